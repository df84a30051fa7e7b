"""The hostile cloud does what its script says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from margelle.ports import Answer
from tests import hostile

Get = Callable[..., Awaitable[Answer]]


async def test_scripts_go_before_what_is_always_and_paths_before_all(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.json("any"))
    cloud.script(hostile.json("path"), path="/pools")
    cloud.always(hostile.json("always any"))
    cloud.always(hostile.json("always path"), path="/pools")
    bodies = [(await get(path)).body for path in ("/pools?x=1", "/pools", "/pools", "/other")]
    assert bodies == [b'"path"', b'"any"', b'"always path"', b'"always any"']


async def test_what_is_not_scripted_is_told(get: Get, cloud: hostile.HostileCloud) -> None:
    assert (await get("/x", query=(("a", "é"),))).status == 599
    [seen] = cloud.unscripted
    assert (seen.method, seen.path, seen.query) == ("GET", "/x", [("a", "é")])
