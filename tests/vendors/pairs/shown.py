"""What a face lists, whichever it is."""

from __future__ import annotations

from tests.vendors.parties import Caller


async def on_ondilo(one: Caller) -> list[tuple[str, str]]:
    """Pools by name, with their ids."""
    return [(pool["name"], str(pool["id"])) for pool in await one.json("/pools")]


async def on_flipr(one: Caller) -> list[tuple[str, str]]:
    """Modules by their pool's name, with serial and place."""
    places = {module["Serial"]: place["Id"] for place in await one.json("/place") for module in place["Modules"]}
    serials = [module["Serial"] for module in await one.json("/modules")]
    return [
        ((await one.json(f"/modules/{serial}/pool"))["PrivateName"], f"{serial} in {places[serial]}")
        for serial in serials
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
"""By face: the name and the whole id of everything that a caller sees, as listed."""
