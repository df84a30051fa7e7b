"""What a test of a fault shares with those of others: it looks before and after the fault has been switched on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from margelle import testing
from margelle.simulate.faults import CATALOGUE
from tests.simulate.faults.client import Told

On = Callable[[], None]


class Usual(Protocol):
    """A client that can ask what is always there."""

    def usual(self) -> Told: ...


C = TypeVar("C", bound=Usual)


class Looks(Generic[C]):
    """The looks at one vendor's cloud, by the names of the faults."""

    def __init__(self, vendor: str) -> None:
        self.names = [one.name for one in CATALOGUE if any(op.startswith(f"{vendor}/") for op in one.operations)]
        self._looks: dict[str, Callable[[C, On], None]] = {}

    def at(self, name: str) -> Callable[[Callable[[C, On], None]], Callable[[C, On], None]]:
        """Registers a look; its second argument switches the fault on."""

        def kept(one: Callable[[C, On], None]) -> Callable[[C, On], None]:
            assert name not in self._looks
            self._looks[name] = one
            return one

        return kept

    def try_out(self, sky: testing.Sky, client: C, name: str) -> None:
        """The fault looks as its look says, is in the log, and all is well after its end."""
        before = client.usual()
        assert before.status == 200
        self._looks[name](client, lambda: sky.faults.choose(name))
        assert name in {entry.fault for entry in sky.log}
        sky.faults.end(name)
        after = client.usual()
        assert (after.status, after.body) == (200, before.body)
        assert sky.log[-1].fault == ""


def said(told: Told, status: int, body: Any) -> None:
    """Exactly this JSON."""
    assert (told.status, told.json) == (status, body)
    assert told.headers["content-type"].startswith("application/json")


def is_page(told: Told, status: int) -> None:
    """HTML where JSON was asked for."""
    assert told.status == status
    assert told.headers["content-type"] == "text/html"
    assert told.body.startswith(b"<html>")


def is_cut(told: Told, whole: bytes) -> None:
    """The first half, of which the announced length is the whole's."""
    assert not told.whole
    assert told.body == whole[: len(whole) // 2]
    assert int(told.headers["content-length"]) == len(whole)
