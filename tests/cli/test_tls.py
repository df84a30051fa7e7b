"""The vendors' hosts over TLS: made, shown, renewed, served, and found by a client that knows nothing of us."""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from margelle.cli.tls import Certificate
from margelle.errors import ConfigError
from margelle.serve.keyring import RENEWED_BEFORE, Keyring
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.cli.conftest import Margelle, Start
from tests.evidence import exchange
from tests.system import free_port
from tests.vendors.ondilo.house import LOGIN, MEASURED_AT, PASSWORD, documented_house

ROOT = Path(__file__).parents[2]
VENDOR = "interop.ondilo.com"
NOW = datetime.now(UTC)


@pytest.fixture
def made(margelle: Margelle, tmp_path: Path) -> Path:
    """The file of an authority."""
    ended = margelle("tls", "init", "--name", "pool.home.arpa")
    assert ended.code == 0, ended.err
    return tmp_path / ".local/share/margelle/tls/ca.pem"


@pytest.fixture
def port() -> int:
    """A port that is free: for `tls.port`, 0 means none."""
    return free_port()


def furnish(home: Path) -> None:
    """John's pool, as the document prints it, in the hub's own store."""

    async def fill() -> None:
        folder = home / ".local/share/margelle"
        folder.mkdir(parents=True, exist_ok=True)
        store = open_store(str(folder / "margelle.sqlite"), Vault.open(home / ".config/margelle/key"))
        await documented_house(store)
        await store.close()

    asyncio.run(fill())


def witness(port: int, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What the library got."""
    return subprocess.run(
        [sys.executable, "-m", "tests.cli.vendors_host", str(port), LOGIN, PASSWORD],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUTF8": "1", "NO_PROXY": "*", **environ},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_ondilo_library_finds_the_hub_under_the_vendors_own_address(
    made: Path, port: int, start: Start, tmp_path: Path
) -> None:
    furnish(tmp_path)
    running = start("serve", "--port", "0", "--tls-port", str(port), "--no-collect")
    assert VENDOR in running.until(r"TLS:\s+https://127\.0\.0\.1:\d+/").string
    running.until("Data:")

    got = witness(port, tmp_path, REQUESTS_CA_BUNDLE=str(made))
    distrusting = witness(port, tmp_path)

    assert got.returncode == 0, got.stderr
    told = json.loads(got.stdout)
    assert told["host"] == f"https://{VENDOR}"
    for name in ("user-info", "device", "configuration"):
        assert told[name.replace("-", "_")] == exchange("ondilo", name).response.json
    assert told["recommendations"] == exchange("ondilo", "recommendations").response.json[:1]
    assert [pool["id"] for pool in told["pools"]] == [234]
    values: dict[str, Any] = {entry["data_type"]: entry["value"] for entry in told["lastmeasures"]}
    assert (values["temperature"], values["orp"]) == (12.5, 523)
    assert {entry["value_time"] for entry in told["lastmeasures"]} == {f"{MEASURED_AT:%Y-%m-%d %H:%M:%S}"}
    assert told["renewed"] is True
    assert distrusting.returncode != 0
    assert "CERTIFICATE_VERIFY_FAILED" in distrusting.stderr
    assert running.end() == 0, running.text


def test_both_ports_serve_the_same_hub(made: Path, port: int, start: Start) -> None:
    running = start("serve", "--port", "0", "--tls-port", str(port), "--no-collect")
    running.until("TLS:")
    running.until("Data:")
    connection = HTTPSConnection("localhost", port, timeout=20, context=ssl.create_default_context(cafile=made))
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    assert running.end() == 0, running.text


URLLIB = "import urllib.request as u; print(u.urlopen('https://localhost:PORT/healthz').status)"
AIOHTTP = """
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session, session.get("https://localhost:PORT/healthz") as answer:
        print(answer.status)
asyncio.run(main())
"""
REQUESTS = "import requests; print(requests.get('https://localhost:PORT/healthz').status_code)"
CERTIFI = """
import certifi, ssl, urllib.request as u
context = ssl.create_default_context(cafile="BOTH")
print(u.urlopen("https://localhost:PORT/healthz", context=context).status)
"""


@pytest.mark.parametrize(
    ("script", "variable"),
    [(URLLIB, "SSL_CERT_FILE"), (AIOHTTP, "SSL_CERT_FILE"), (REQUESTS, "REQUESTS_CA_BUNDLE"), (CERTIFI, "UNUSED")],
)
def test_python_programs_trust_the_hub_as_their_page_says(
    made: Path, port: int, start: Start, tmp_path: Path, script: str, variable: str
) -> None:
    import certifi

    both = tmp_path / "both.pem"
    both.write_bytes(Path(certifi.where()).read_bytes() + made.read_bytes())
    running = start("serve", "--port", "0", "--tls-port", str(port), "--no-collect")
    running.until("TLS:")
    running.until("Data:")

    def run(**environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script.replace("PORT", str(port)).replace("BOTH", str(both))],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_PROXY": "*", **environ},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    for bundle in (made, both):
        trusting = run(**{variable: str(bundle)})
        assert trusting.stdout.strip() == "200", trusting.stderr
    if variable != "UNUSED":
        assert "CERTIFICATE_VERIFY_FAILED" in run().stderr
    assert running.end() == 0, running.text


def test_without_a_certificate_serving_says_how_to_make_one(margelle: Margelle, port: int) -> None:
    ended = margelle("serve", "--port", "0", "--tls-port", str(port))
    assert ended.code == 2
    assert "margelle tls init" in ended.err


def test_what_was_made_is_shown_with_ways_to_trust_it(margelle: Margelle, made: Path) -> None:
    shown = margelle("tls", "show")
    told = json.loads(margelle("tls", "show", "--json").out)
    assert shown.code == 0
    fingerprint = re.search(r"SHA-256 +((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", shown.out)
    assert fingerprint is not None
    assert fingerprint[1] == told["authority_fingerprint"]
    hosts = [VENDOR, "apis.goflipr.com", "api.bamo.fr"]
    assert told["names"] == [*hosts, "pool.home.arpa", "localhost", "127.0.0.1", "::1"]
    assert told["missing"] == []
    assert f"REQUESTS_CA_BUNDLE={made}" in shown.out
    assert "PRIVATE KEY" not in shown.out


def test_a_second_authority_is_made_only_on_purpose(margelle: Margelle, made: Path) -> None:
    before = made.read_bytes()
    assert margelle("tls", "init").code == 1
    assert made.read_bytes() == before
    assert margelle("tls", "init", "--replace").code == 0
    assert made.read_bytes() != before


def test_renewing_leaves_the_authority(margelle: Margelle, made: Path) -> None:
    before = json.loads(margelle("tls", "show", "--json").out)
    assert margelle("tls", "renew").code == 0
    after = json.loads(margelle("tls", "show", "--json").out)
    assert before["server_fingerprint"] != after["server_fingerprint"]
    assert before["authority_fingerprint"] == after["authority_fingerprint"]


def test_a_name_that_would_be_all_names_is_refused(margelle: Margelle, tmp_path: Path) -> None:
    ended = margelle("tls", "init", "--name", "com")
    assert ended.code == 2
    assert "com.local" in ended.err
    assert not (tmp_path / ".local/share/margelle/tls").exists()


def test_a_running_hub_shows_a_renewed_certificate_without_a_restart(tmp_path: Path) -> None:
    keyring, now = Keyring(tmp_path), [NOW]
    keyring.create([VENDOR], "Margelle on test", NOW)
    certificate = Certificate(keyring, lambda: now[0])
    first = shown_by(certificate.context, tmp_path / "ca.pem")
    now[0] = keyring.server_certificate().not_valid_after_utc - RENEWED_BEFORE + timedelta(hours=1)
    certificate.refresh()
    assert shown_by(certificate.context, None) != first


def shown_by(context: ssl.SSLContext, authority: Path | None) -> bytes:
    """The certificate that a client is shown."""
    asking = ssl.create_default_context(cafile=authority)
    if authority is None:  # of another time: only which one it is matters
        asking.check_hostname = False
        asking.verify_mode = ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(back, there, server_hostname=VENDOR)
    waiting = [client, context.wrap_bio(there, back, server_side=True)]
    while waiting:
        for side in tuple(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_a_hub_without_the_authoritys_key_serves_on_while_its_certificate_is_good(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keyring, now = Keyring(tmp_path), [NOW]
    keyring.create([VENDOR], "Margelle on test", NOW)
    keyring.authority_key_file.unlink()
    ends_at = keyring.server_certificate().not_valid_after_utc
    now[0] = ends_at - timedelta(days=1)
    Certificate(keyring, lambda: now[0])
    assert "cannot be renewed" in caplog.text
    assert "--replace" in caplog.text
    now[0] = ends_at
    with pytest.raises(ConfigError, match=r"ca\.key"):
        Certificate(keyring, lambda: now[0])


def test_a_certificate_that_cannot_be_renewed_is_an_error_at_the_start(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path)
    keyring.create([VENDOR], "Margelle on test", NOW - timedelta(days=3700))
    with pytest.raises(ConfigError, match="has ended"):
        Certificate(keyring, lambda: NOW)
