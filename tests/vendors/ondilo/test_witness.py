"""PyPI's `ondilo` 0.5.0, which others wrote, against the listening face over SQLite: login, every method, refresh."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from margelle.store import open_store
from margelle.store.vault import Vault
from tests.evidence import answer, exchange, facts
from tests.vendors.ondilo.house import LOGIN, PASSWORD, documented_house
from tests.vendors.ondilo.listening import listening

WITNESS = Path(__file__).with_name("witness.py")


@pytest.fixture
async def told(tmp_path: Path) -> Any:
    """What the witness got."""
    store = open_store(str(tmp_path / "margelle.sqlite"), Vault.open(tmp_path / "key"))
    house = await documented_house(store)
    async with listening(house) as base_url:
        witness = await asyncio.create_subprocess_exec(
            sys.executable, str(WITNESS), base_url, LOGIN, PASSWORD,
            env={**os.environ, "OAUTHLIB_INSECURE_TRANSPORT": "1", "NO_PROXY": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(witness.communicate(), 60)
    await store.close()
    assert witness.returncode == 0, err.decode()
    return json.loads(out)


async def test_the_ondilo_library_gets_through_its_whole_life(told: Any) -> None:
    assert version("ondilo") == "0.5.0"
    documented = answer("ondilo", "a token for a code").json
    assert told["arrived"].startswith("https://example.com/api?tab=1&code=")
    assert told["first"].keys() >= documented.keys()
    assert told["first"]["token_type"] == documented["token_type"]
    for name in ("user-info", "device", "configuration"):
        assert told[name.replace("-", "_")] == exchange("ondilo", name).response.json
    for name in ("shares", "recommendations"):
        assert told[name] == exchange("ondilo", name).response.json[:1]
    assert told["user_units"].items() >= exchange("ondilo", "user-units").response.json.items()
    assert told["pools"] == [exchange("ondilo", "pools").response.json[0] | {"updated_at": "2020-03-23T16:08:51+0000"}]
    (asked, *_) = [
        said
        for said in facts("ondilo", "requests")
        if said["client"] == "ondilo 0.5.0" and said["what"] == "lastmeasures"
    ]
    assert [entry["data_type"] for entry in told["lastmeasures"]] == [
        pair.partition("=")[2] for pair in asked["query"].split("&")
    ]
    assert {entry["data_type"]: entry["value"] for entry in told["lastmeasures"]} == {
        "temperature": 12.5, "ph": None, "orp": 523, "salt": None, "battery": None, "tds": None, "rssi": None
    }  # fmt: skip
    documented_measures = exchange("ondilo", "measures").response.json[:2]
    assert told["measures"]["day"] == [documented_measures[1], told["measures"]["day"][1]]
    assert told["measures"]["week"][:2] == told["measures"]["month"][:2] == documented_measures
    assert told["done"] == exchange("ondilo", "validate").response.json
    assert told["recommendations_then"] == []
    assert told["done_again"]["error"] == 400
    assert told["foreign"]["error"] == 404
    assert told["wrong"]["error"] == 400
    assert told["refused"]["error"] == 401
    for refused in ("done_again", "foreign", "wrong", "refused"):
        assert json.loads(told[refused]["message"])["error"]["message"]


async def test_the_ondilo_library_renews_and_keeps_its_refresh_token(told: Any) -> None:
    first, renewed, kept = told["first"], told["renewed"], told["kept"]

    assert renewed["refresh_token"] == first["refresh_token"]
    assert renewed["access_token"] != first["access_token"]
    assert [token["refresh_token"] for token in kept] == [first["refresh_token"]] * 2
    assert told["pools_after_expiry"] == told["pools"]
