"""PyPI's `flipr-api` 1.6.1, which others wrote and Home Assistant uses, against the listening face over SQLite."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt
from margelle.domain.site import Probe, Site
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.evidence import answer, exchange
from tests.vendors.flipr.house import (
    HUB,
    LOGIN,
    MEASURED_AT,
    NOW,
    PASSWORD,
    PROBE,
    SITE,
    House,
    listening,
    point,
    pumped_house,
)

WITNESS = Path(__file__).with_name("witness.py")
DRY = (Doubt("vendor", "The probe is out of the water"),)


async def furnished(house: House) -> None:
    """Besides the document's probe: one in icy water, one that sleeps, an ICO, and a plant of which Home Assistant must not hear."""
    plant = Site("baxo:1", "baxo", "1", "Tank", "plant"), Probe("baxo:1/device", "baxo:1", "baxo", "c/1")
    await house.furnish(plant, vendor="baxo", name="baxo-1")
    icy, asleep = (
        (
            replace(SITE, id=f"flipr:{key}", key=key),
            replace(PROBE, id=f"flipr:{key}/probe", site=f"flipr:{key}", key=key, serial=key),
        )
        for key in ("ICE001", "NAP001")
    )
    await house.furnish((replace(SITE, switches=(HUB,)), PROBE), icy, asleep)
    ico = Probe("ondilo:234/ico", "ondilo:234", "ondilo", "234", "SN00001")
    await house.furnish((Site("ondilo:234", "ondilo", "234", "Spa", "spa"), ico), vendor="ondilo", name="ondilo-1")
    for probe, temperature, doubts in ((icy[1], 0.0, ()), (asleep[1], 9.0, DRY), (ico, 36.5, ())):
        origin = "flipr/survey/last" if probe.vendor == "flipr" else "ondilo/lastmeasures"
        values = {"temperature": temperature, "ph": 7.2, "orp": 700.0}
        await house.store.add(
            [point(name, value, probe=probe.id, doubts=doubts, origin=origin) for name, value in values.items()], NOW
        )


async def run(store: Path, **environment: str) -> Any:
    """What the witness got."""
    kept = open_store(str(store / "margelle.sqlite"), Vault.open(store / "key"))
    house = await pumped_house(kept)
    await furnished(house)
    async with listening(house) as base_url:
        witness = await asyncio.create_subprocess_exec(
            sys.executable, str(WITNESS), base_url + "/flipr", LOGIN, PASSWORD,
            env={**os.environ, "NO_PROXY": "127.0.0.1", **environment}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(witness.communicate(), 60)
    await kept.close()
    assert witness.returncode == 0, err.decode()
    return json.loads(out)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_home_assistants_library_sees_every_probe(tmp_path: Path, slash: str) -> None:
    assert version("flipr-api") == "1.6.1"
    told = await run(tmp_path, SLASH=slash)
    documented = exchange("flipr", "survey-last").response.json
    assert told["all"] == {"flipr": ["21BXYZ", "ICE001", "NAP001", "00LFLT"], "hub": ["HB0001"]}
    assert told["measures"]["21BXYZ"] == {
        "temperature": documented["Temperature"], "ph": documented["PH"]["Value"], "chlorine": 0,
        "red_ox": documented["OxydoReductionPotentiel"]["Value"], "date_time": str(MEASURED_AT),
        "ph_status": documented["PH"]["DeviationSector"], "chlorine_status": documented["Desinfectant"]["DeviationSector"],
        "battery": documented["Battery"]["Deviation"] * 100,
    }  # fmt: skip
    assert told["measures"]["ICE001"]["temperature"] == 0.01
    assert told["measures"]["NAP001"]["error"] == "FliprError"
    assert told["measures"]["00LFLT"]["temperature"] == 36.5
    assert datetime.fromisoformat(told["measures"]["00LFLT"]["date_time"]).astimezone(UTC) == MEASURED_AT


async def test_home_assistants_library_selects_the_modes_of_a_hub_and_switches_its_pump(tmp_path: Path) -> None:
    (hub,) = (await run(tmp_path, HUBS="yes"))["hubs"]
    stood = {"state": True, "mode": "manual", "planning": ""}
    assert hub == {
        "found": stood, "auto": stood | {"mode": "auto"}, "planning": stood | {"mode": "planning"}, "manual": stood,
        "off": stood | {"state": False}, "on": stood,
    }  # fmt: skip


async def test_home_assistants_library_reads_our_refusals(tmp_path: Path) -> None:
    told = await run(tmp_path)
    assert told["foreign"]["error"] == told["refused"]["error"] == "HTTPError"
    assert "404" in told["foreign"]["message"]
    assert "400" in told["refused"]["message"]
    nothing = answer("flipr", "the state of what is no hub").json
    assert told["hub"] == {"state": False, "mode": nothing["behavior"], "planning": nothing["planning"]}
