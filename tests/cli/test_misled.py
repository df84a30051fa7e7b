"""A hosts file that sends the vendor's name to this machine: for the hub's clients it is right, and the collector must not follow it."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from margelle.cli.terminal import utc_now
from margelle.domain.site import Account
from margelle.net.oauth import TokenKeeper
from margelle.ports import Token
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.cli.conftest import Margelle, Start

VENDOR = "interop.ondilo.com"


@pytest.fixture
def hosts_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `127.0.0.1 interop.ondilo.com` in the hosts file."""
    look_up = socket.getaddrinfo

    def led(host: Any, *rest: Any, **named: Any) -> Any:
        return look_up("127.0.0.1" if host == VENDOR else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", led)


@pytest.fixture
def hub(margelle: Margelle, tmp_path: Path) -> Margelle:
    """With an account at the vendor's own cloud, signed in."""

    async def sign_in() -> None:
        folder = tmp_path / ".local/share/margelle/margelle.sqlite"
        store = open_store(str(folder), Vault.open(tmp_path / ".config/margelle/key"))
        await store.put_account(Account("ondilo", "ondilo", "anna@example.org", "anna@example.org"))
        token = Token("a" * 40, "r" * 40, utc_now() + timedelta(hours=1))
        await TokenKeeper("ondilo", store, utc_now).keep(token)
        await store.close()

    assert margelle("user", "add", "anna@example.org", "--password-stdin", stdin="anna's own pool").code == 0
    asyncio.run(sign_in())
    return margelle


def test_the_collector_does_not_ask_itself_and_says_what_to_do(hub: Margelle, hosts_file: None) -> None:
    assert hub("collect", "--once").code == 3
    told = json.loads(hub("status", "--json").out)
    (incident,) = told["accounts"][0]["incidents"]
    assert incident["kind"] == "misled"
    assert f"{VENDOR} leads to this machine itself (127.0.0.1)" in incident["what"]
    assert f"{VENDOR}=ADDRESS" in incident["todo"]
    assert "collect.resolve" in hub("status").out


@pytest.mark.parametrize("vendor", ["ondilo", "flipr", "baxo"])
def test_a_hub_does_not_collect_from_itself(vendor: str, margelle: Margelle, start: Start) -> None:
    """It would have all of its sites again as somebody else's, and each day twice as many."""
    assert margelle("user", "add", "anna@example.org", "--password-stdin", stdin="anna's own pool").code == 0
    running = start("serve", "--port", "0")
    url = running.until(rf"Face: +(\S+/{vendor}) ")[1]
    asked = ("account", "add", vendor, "--base-url", url, "--login", "anna@example.org", "--password-stdin")
    ended = margelle(*asked, stdin="anna's own pool")
    assert (ended.code, running.end()) == (1, 0)
    assert "leads back to this hub itself.\nWhat is to be had" in ended.err
    assert margelle("account", "list", "--json").out.strip() == "[]"
