"""What a face lists, whichever it is."""

from __future__ import annotations

from typing import Any

from tests.vendors.parties import Caller
from tests.vendors.parties.flipr import HUB


async def on_ondilo(one: Caller) -> list[tuple[str, str]]:
    """Pools by name, with their ids."""
    return [(pool["name"], str(pool["id"])) for pool in await one.json("/pools")]


async def on_flipr(one: Caller) -> list[tuple[str, str]]:
    """Modules that measure by their pool's name, with serial and place."""
    places = {module["Serial"]: place["Id"] for place in await one.json("/place") for module in place["Modules"]}
    serials = [module["Serial"] for module in await probes_on_flipr(one)]
    return [
        ((await one.json(f"/modules/{serial}/pool"))["PrivateName"], f"{serial} in {places[serial]}")
        for serial in serials
    ]


async def probes_on_flipr(one: Caller) -> list[dict[str, Any]]:
    """The modules that measure."""
    return [module for module in await one.json("/modules") if module["ModuleType_Id"] != HUB]


async def hubs_on_flipr(one: Caller) -> list[tuple[str, str]]:
    """Hubs by the name of the pool that is at their place, with serial and place."""
    places = {hub["Serial"]: place for place in await one.json("/place") for hub in place["Hubs"]}
    names = {key.partition(" ")[0]: name for name, key in await on_flipr(one)}
    listed = [module["Serial"] for module in await one.json("/modules") if module["ModuleType_Id"] == HUB]
    return [
        (f"the hub of {names[places[serial]['Modules'][0]['Serial']]}", f"{serial} in {places[serial]['Id']}")
        for serial in listed
    ]


async def on_baxo(one: Caller) -> list[tuple[str, str]]:
    """Devices by name, with their contract and id."""
    contracts = [contract["id"] for contract in (await one.json("get=contracts"))["contracts"]]
    assert len(set(contracts)) == len(contracts)
    return [
        (device["name"], f"{device['id']} of {contract}")
        for contract in contracts
        for device in (await one.json(f"get=devices&contractId={contract}"))["devices"]
    ]


LISTED = {"ondilo": on_ondilo, "flipr": on_flipr, "baxo": on_baxo}
"""By face: the name and the whole id of every probe that a caller sees, as listed."""
