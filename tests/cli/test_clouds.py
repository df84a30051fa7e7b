from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path

import pytest

from tests.cli.conftest import Margelle, Start
from tests.cli.face_client import FaceClient, Refusal


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of clouds, in which their first start here makes a year of water."""
    return tmp_path_factory.mktemp("clouds") / "sky"


def test_clouds_have_their_time_their_users_and_the_documented_quota(start: Start, sky: Path) -> None:
    running = start("clouds", "--port", "0", "--data", str(sky), "--at", "2026-07-14T12:30Z", "--seed", "a")
    face = running.until(r"Cloud:\s+(http://\S+)")[1]
    password = running.until(r"Password:\s+(\S+)")[1]
    running.until("Data:")
    client = FaceClient(face)
    client.sign_in("neighbour@clouds.example", password)
    pool = client.get("/pools")[0]["id"]
    (measure,) = client.get(f"/pools/{pool}/lastmeasures?types%5B%5D=ph")
    assert "2026-07-14 08:00:00" < measure["value_time"] <= "2026-07-14 12:32:00"
    statuses = [_status(client) for _ in range(35)]
    assert 200 in statuses
    assert statuses[-1] == 429
    assert running.end() == 0
    _other_water_is_not_mixed_in(start, sky)
    assert (sky / "clouds.sqlite").exists()


def _status(client: FaceClient) -> int:
    try:
        client.get("/user/info")
    except Refusal as refusal:
        return refusal.status
    return 200


def _other_water_is_not_mixed_in(start: Start, sky: Path) -> None:
    running = start("clouds", "--port", "0", "--data", str(sky), "--seed", "b")
    assert running.ended() == 1
    assert "the water of seed 'a', not 'b'" in running.text
    assert "Traceback" not in running.text


@pytest.mark.parametrize("arguments", [("--speed", "0"), ("--speed", "nan"), ("--at", "soon"), ("--port", "70000")])
def test_clouds_that_cannot_be_are_refused(margelle: Margelle, arguments: tuple[str, str]) -> None:
    ended = margelle("clouds", "--port", "0", *arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_faults_are_listed_with_where_they_were_seen(margelle: Margelle) -> None:
    ended = margelle("clouds", "--faults-list")
    assert ended.code == 0
    assert "lastmeasures-empty\n" in ended.out
    assert "  Seen: home-assistant/core #114223" in ended.out
    assert "  Fits: ondilo/lastmeasures" in ended.out


def test_a_fault_of_the_command_line_befalls_clients(start: Start, sky: Path) -> None:
    faults = ("--fault", "html-502", "--fault", "slow:0.5")
    running = start("clouds", "--port", "0", *faults, "--data", str(sky), "--at", "2026-07-14T12:30Z", "--seed", "a")
    face = running.until(r"Cloud:\s+(http://\S+)")[1]
    running.until(r"Faults:\s+html-502, slow")
    with pytest.raises(Refusal) as refused:
        FaceClient(face).get("/pools")
    assert refused.value.status == 502
    assert running.end() == 0


@pytest.mark.parametrize("fault", ["html-520", "html-502:often", "html-502:2", "html-502:0", ""])
def test_a_fault_that_cannot_be_is_refused(margelle: Margelle, fault: str) -> None:
    ended = margelle("clouds", "--port", "0", "--fault", fault)
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_clouds_answer_as_the_vendors_own_hosts_over_tls(margelle: Margelle, start: Start, sky: Path) -> None:
    assert margelle("tls", "init").code == 0
    authority = json.loads(margelle("tls", "show", "--json").out)["authority"]
    place = ("--data", str(sky), "--at", "2026-07-14T12:30Z", "--seed", "a")
    running = start("clouds", "--port", "0", "--tls-port", "0", "--fault", "html-502", *place)
    port = int(running.until(r"TLS:\s+https://127\.0\.0\.1:(\d+)\s+\(also as interop\.ondilo\.com")[1])
    running.until("Data:")
    for host, path in (
        ("interop.ondilo.com", "/api/customer/v1/pools"),
        ("apis.goflipr.com", "/modules"),
        ("api.bamo.fr", "/k1?get=contracts"),
    ):
        assert _told(port, host, path, Path(authority)) == b"HTTP/1.1 502"
    assert running.end() == 0, running.text


def _told(port: int, host: str, path: str, authority: Path) -> bytes:
    """The first words of an answer, of whom a client that knows only the vendor's host believes to be the vendor."""
    trusting = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as safe,
    ):
        safe.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return safe.recv(4096)[:12]


def test_clouds_without_a_certificate_say_how_to_make_one(margelle: Margelle) -> None:
    ended = margelle("clouds", "--port", "0", "--tls-port", "0")
    assert ended.code == 2
    assert "margelle tls init" in ended.err
