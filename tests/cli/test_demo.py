"""The demo from its first start to its last: one folder, several starts, each in a process of its own."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from margelle.cli import demo, terminal
from margelle.cli.demo import EMAIL, HOURLY, PASSWORD, login_of
from margelle.domain.site import Account, Person, Site
from margelle.errors import BadInput, Conflict, StoreError
from margelle.ports import Discovery
from margelle.simulate import pool as simulated
from margelle.simulate.feed import Progress
from margelle.store.memory import MemoryStore
from tests.cli.conftest import Running, Start
from tests.cli.face_client import FaceClient, Refusal
from tests.conftest import NOW
from tests.system import free_port

README = Path(__file__).parents[2] / "README.md"
LOGIN = "Zoë + poisson & 50 %@exämple.org"
SECRET = " pâss wörd + & 100 % 🐟 "
POOLS = {pool.name for pool in simulated.POOLS[0]}
TYPES = ("temperature", "ph", "orp", "salt", "tds", "battery", "rssi")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(home: Path) -> Iterator[tuple[Running, list[int]]]:
    """The first start, on a port by PORT and with a login by environment; and what `/healthz` answered until it was ready."""
    port = free_port()
    running = Running(
        "demo", home=home, environ={"PORT": str(port), "MARGELLE_DEMO_EMAIL": LOGIN, "MARGELLE_DEMO_PASSWORD": SECRET}
    )
    try:
        running.until("Making a year of water, this first time")
        yield running, _statuses_until_ready(port)
    finally:
        running.clear()


def _statuses_until_ready(port: int) -> list[int]:
    statuses: list[int] = []
    deadline = time.monotonic() + 60
    while 200 not in statuses:
        assert time.monotonic() < deadline, statuses
        statuses.append(_status(port, "/healthz"))
    return statuses


def _status(port: int, path: str) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except ConnectionRefusedError:
            return 0


def _until_ready(running: Running) -> str:
    """The face's URL, once the demo says that it is ready."""
    face = running.until(r"Face\s+(http://127\.0\.0\.1:\d+/ondilo)")[1]
    running.until("Ctrl-C ends it")
    return face


def _signed_in(face: str, login: str = LOGIN, password: str = SECRET) -> FaceClient:
    client = FaceClient(face)
    client.sign_in(login, password)
    return client


def test_a_demo_whole(home: Path, first: tuple[Running, list[int]], start: Start) -> None:
    running, statuses = first
    assert statuses[-1] == 200
    assert set(statuses[:-1]) <= {0, 503}
    assert 503 in statuses

    face = _until_ready(running)
    _says_what_is_where(running.text, home, face)
    client = _signed_in(face)
    pools = client.get("/pools")
    _sees_what_is_promised(client, pools)
    _sees_the_flipr(face.removesuffix("ondilo") + "flipr", pools)
    _page_lists_sites(face, pools)
    _stations_have_a_year(face.removesuffix("ondilo") + "baxo/k1")
    validated = _validates_a_recommendation(client, pools)

    _status_sees_the_folder(start, home)
    _nothing_is_judged_anew(start, home)
    _second_in_the_same_folder_is_refused(start, home)
    _port_in_use_is_refused(start, face)

    oldest = client.get(f"/pools/{pools[0]['id']}/measures?type=ph&period=month")
    running.end(signal.SIGKILL)
    _cloud_knows(home, validated)
    face = _another_login_finds_the_same_data(start, home, pools, oldest)
    assert _status(int(face.split(":")[2].split("/")[0]), "/healthz") == 0


def _says_what_is_where(text: str, home: Path, face: str) -> None:
    assert f"Page      {face.removesuffix('ondilo')}  (no sign-in in the demo)\n" in text
    assert f"Login     {LOGIN}\n" in text
    beside = "margelle serve --config {}margelle-demo/margelle.toml --port 0\n"
    assert beside.format(f"{home}/") in text
    assert beside.format("") in README.read_text(encoding="utf-8")
    assert '  : "${MARGELLE_DEMO_PASSWORD:?' in text
    assert SECRET.strip() not in text
    assert str(home / "margelle-demo") in text
    for path in ("ondilo/api/customer/v1/pools", "flipr/OAuth2/token", "flipr/modules", "baxo/k1?get=contracts"):
        assert f"{face.removesuffix('ondilo')}{path}" in text
    assert "a hub of your own tries `margelle clouds`" in text


def _sees_what_is_promised(client: FaceClient, pools: list[dict[str, Any]]) -> None:
    assert {"chlorine", "salt"} <= {pool["disinfection"]["primary"] for pool in pools}
    assert {pool["name"] for pool in pools} > POOLS  # the stations are pools too, as far as they can be
    waiting = [one for pool in pools for one in client.get(f"/pools/{pool['id']}/recommendations")]
    assert waiting
    for pool in [pool for pool in pools if pool["name"] in POOLS]:
        assert client.get(f"/pools/{pool['id']}/device")["serial_number"]
        query = "&".join(f"types%5B%5D={name}" for name in TYPES)
        latest = client.get(f"/pools/{pool['id']}/lastmeasures?{query}")
        assert [one["data_type"] for one in latest] == list(TYPES)
        assert sum(one["value"] is not None for one in latest) >= 5
        for name in (
            "temperature",
            "ph",
            "orp",
            "battery",
            *(("rssi",) if latest[-1]["value"] is not None else ()),  # a Flipr has none
            "salt" if pool["disinfection"]["primary"] == "salt" else "tds",
        ):
            month = client.get(f"/pools/{pool['id']}/measures?type={name}&period=month")
            assert len(month) > 500, (pool["name"], name)


def _sees_the_flipr(face: str, pools: list[dict[str, Any]]) -> None:
    """The account at the other cloud is collected from too, and every pool is a module of the other face."""
    form = urlencode({"grant_type": "password", "username": LOGIN, "password": SECRET})
    token = _flipr(face, "POST", "/OAuth2/token", form)["access_token"]
    found = _flipr(face, "GET", "/modules", token=token)
    hubs = [module["Serial"] for module in found if module["ModuleType_Id"] == 2]
    modules = [module for module in found if module["Serial"] not in hubs]
    assert len(modules) == len(pools)
    _switches_the_pump(face, token, hubs)
    pools_alone = [module for module in modules if module["ModuleType_Id"] == 1]
    assert "21BXYZ" in {module["Serial"] for module in pools_alone}
    assert len(pools_alone) == 4, "the plants measure other things than a Flipr does"
    told = []
    for module in pools_alone:
        month = _flipr(face, "GET", f"/modules/{module['Serial']}/survey/LastHours/720", token=token)
        assert len(month) > 500
        current = _flipr(face, "GET", f"/modules/{module['Serial']}/survey/last", token=token)
        told.append(current["Conductivity"]["Value"])
    assert len([value for value in told if value]) >= len(told) - 1, "one probe may be out of the water today"


def _switches_the_pump(face: str, token: str, hubs: list[str]) -> None:
    """The Flipr's hub is there, and what is done at the face happens at the cloud."""
    (hub,) = hubs
    state = _flipr(face, "GET", f"/hub/{hub}/state", token=token)
    wanted = 1 - state["stateEquipment"]
    told = _flipr(face, "POST", f"/hub/{hub}/Manual/{bool(wanted)}", token=token)
    assert (told["stateEquipment"], told["behavior"]) == (wanted, "manual")
    assert _flipr(face, "PUT", f"/hub/{hub}/mode/auto", token=token)["behavior"] == state["behavior"] == "auto"


def _flipr(face: str, method: str, path: str, body: str = "", token: str = "") -> Any:
    with closing(HTTPConnection(face.split("/")[2], timeout=20)) as connection:
        connection.request(method, f"/flipr{path}", body, {"Authorization": f"bearer {token}"})
        answer = connection.getresponse()
        assert answer.status == 200
        return json.loads(answer.read())


def _stations_have_a_year(url: str) -> None:
    """Two contracts and four devices, six tags each, one of them an event."""
    contracts = [one for one in _baxo(url, get="contracts")["contracts"] if one["reference"] not in {"ONDILO", "FLIPR"}]
    assert len(contracts) == 2
    devices = [
        (c["id"], one["id"]) for c in contracts for one in _baxo(url, get="devices", contractId=c["id"])["devices"]
    ]
    assert len(devices) == 4
    year_ago = int(time.time()) - 946_684_800 - 365 * 86_400
    for contract, device in devices:
        asked = {"contractId": contract, "deviceId": device}
        logs = _baxo(url, get="devices-realtimes", **asked)["logs"]
        assert [log["tagReference"] for log in logs][:5] == ["NIVEAU", "DEBIT", "PH", "CONDUCTIVITE", "REDOX"]
        assert [log["isEvent"] for log in logs] == [False] * 5 + [True]
        past = _baxo(url, get="devices-historics", **asked, tagReferences="PH", startTime=str(year_ago))
        assert len(past["historics"][0]["logs"]) > 8500


def _baxo(url: str, **form: str) -> Any:
    body = urlencode({"username": LOGIN, "password": SECRET, **form})
    with closing(HTTPConnection(url.split("/")[2], timeout=20)) as connection:
        connection.request("POST", "/baxo/k1", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        told = answer.read()
    assert answer.status == 200, told
    return json.loads(told)


def _page_lists_sites(face: str, pools: list[dict[str, Any]]) -> None:
    with closing(HTTPConnection(face.split("/")[2], timeout=20)) as connection:
        connection.request("GET", "/")
        answer = connection.getresponse()
        page = answer.read().decode()
    assert answer.status == 200
    for pool in pools:
        assert pool["name"] in page


def _validates_a_recommendation(client: FaceClient, pools: list[dict[str, Any]]) -> str:
    pool, recommendation = next(
        (pool["id"], one["id"]) for pool in pools for one in client.get(f"/pools/{pool['id']}/recommendations")
    )
    assert client.put(f"/pools/{pool}/recommendations/{recommendation}") == "Done"
    assert recommendation not in {one["id"] for one in client.get(f"/pools/{pool}/recommendations")}
    return str(recommendation)


def _cloud_knows(home: Path, key: str) -> None:
    """The cloud's own database tells that the recommendation was done there, by the account's owner."""
    with closing(sqlite3.connect(home / "margelle-demo" / "clouds" / "clouds.sqlite")) as database:
        dump = "\n".join(line for line in database.iterdump() if "validate" in line)
    assert "owner@clouds.example" in dump
    assert f"/{key}" in dump


def _status_sees_the_folder(start: Start, home: Path) -> None:
    status = start("status", "--config", "margelle-demo/margelle.toml", home=home)
    assert status.ended() == 0, status.text
    assert re.search(rf"\d+ of {HOURLY} requests are left", status.text)
    assert "No hub collects" not in status.text
    said = re.findall("Of 4 of these sites: .*the tag DEBIT. Say what it measures", status.text)
    assert len(said) == 1, "so that the page of tags can be tried"


def _nothing_is_judged_anew(start: Start, home: Path) -> None:
    """What the demo has kept was judged by these rules, and a hub that is opened beside it knows."""
    review = start("review", "--config", "margelle-demo/margelle.toml", home=home)
    assert review.ended() == 0, review.text
    assert "All that is kept has been judged by these rules." in review.text


def _second_in_the_same_folder_is_refused(start: Start, home: Path) -> None:
    second = start("demo", "--port", "0", home=home)
    assert second.ended() == 1
    assert "Another demo runs in" in second.text
    assert "Traceback" not in second.text


def _port_in_use_is_refused(start: Start, face: str) -> None:
    port = face.split(":")[2].split("/", maxsplit=1)[0]
    second = start("demo", PORT=port)
    assert second.ended() == 1
    assert f"Port {port} on 127.0.0.1 is in use" in second.text
    assert f"PORT={int(port) + 1}" in second.text


def _another_login_finds_the_same_data(
    start: Start, home: Path, pools: list[dict[str, Any]], oldest: list[dict[str, Any]]
) -> str:
    running = start("demo", "--port", "0", home=home)
    face = _until_ready(running)
    assert f"Password  {PASSWORD}\n" in running.text
    with pytest.raises(Refusal):
        _signed_in(face)
    client = _signed_in(face, EMAIL, PASSWORD)
    assert [pool["id"] for pool in client.get("/pools")] == [pool["id"] for pool in pools]
    month = client.get(f"/pools/{pools[0]['id']}/measures?type=ph&period=month")
    assert {json.dumps(one) for one in oldest[5:]} <= {json.dumps(one) for one in month}
    assert running.end(signal.SIGINT) == 0
    assert f"Ended. The data stay in {home / 'margelle-demo'}.\n" in running.text
    assert "Traceback" not in running.text
    return face


def test_a_demo_that_is_stopped_while_it_starts_ends_cleanly(start: Start) -> None:
    running = start("demo", "--port", "0")
    running.until("Starting in")
    assert running.end(signal.SIGTERM) == 0
    assert running.text.count("\n") <= 4


def test_without_an_environment_the_login_is_the_documented_one() -> None:
    assert (login_of({}).email, login_of({"MARGELLE_DEMO_PASSWORD": ""}).password) == (
        "demo@margelle.example",
        "margelle-demo",
    )


def test_a_login_in_another_case_is_the_same_user(home: Path, first: tuple[Running, list[int]], start: Start) -> None:
    assert first
    running = start("demo", "--port", "0", home=home, MARGELLE_DEMO_EMAIL=EMAIL.upper(), MARGELLE_DEMO_PASSWORD="x")
    assert len(_signed_in(_until_ready(running), EMAIL, "x").get("/pools")) >= 2
    assert running.end(signal.SIGTERM) == 0


def test_a_login_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadInput, match="MARGELLE_DEMO_PASSWORD"):
        login_of({"MARGELLE_DEMO_PASSWORD": "\udcff"})


@pytest.mark.parametrize("port", ["http", "-1", "70000"])
def test_a_port_that_is_none_is_refused(start: Start, port: str) -> None:
    running = start("demo", PORT=port)
    assert running.ended() == 2
    assert f"PORT is {port!r}" in running.text
    assert "Traceback" not in running.text


@pytest.mark.parametrize(("behind", "refused"), [(timedelta(days=6), False), (timedelta(days=8), True)])
async def test_a_clock_far_behind_the_last_run_is_told_and_not_waited_for(
    behind: timedelta, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    site = Site("ondilo@demo:1", "ondilo", "1", "Piscine")
    await store.put_account(Account("ondilo", "ondilo", "owner@clouds.example", "owner@clouds.example"))
    await store.put_discovery("ondilo", Discovery(Person(), (site,), (), ()), NOW)
    await store.put_memo(f"clouds/{site.id}", msgspec.json.encode(Progress(NOW, NOW, NOW)))
    monkeypatch.setattr(terminal, "utc_now", lambda: NOW - behind)
    with pytest.raises(Conflict, match="has lived until 2026-") if refused else nullcontext():
        await demo._demand_time(store)


def test_settings_that_cannot_be_written_whole_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, text: str, encoding: str) -> int:
        self.write_bytes(text.encode(encoding)[:9])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match=r"margelle\.toml cannot be written: No space left on device\."):
        demo._write_settings(tmp_path / "margelle.toml")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "margelle.toml").write_text("# mine\n")
    demo._write_settings(tmp_path / "margelle.toml")
    assert (tmp_path / "margelle.toml").read_text() == "# mine\n"
