"""A vendor that no cloud has, whose face does what a test asks of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Recommendation, Site, User
from margelle.domain.switch import Switch, Turn
from margelle.ports import FaceContext, Rate, Setting, Vendor


def never(*_: Any) -> Any:
    """What a hub that only serves must not call."""
    raise AssertionError("serving does not collect")


def vendor(
    face: Callable[[FaceContext], Sequence[BaseRoute]],
    *,
    name: str = "bluewater",
    settings: tuple[Setting, ...] = (),
    quota: tuple[Rate, ...] = (),
) -> Vendor:
    """A vendor with this face."""
    return Vendor(name, name.title(), "https://cloud.example", settings, quota, (), never, never, face)


class NoActions:
    """Actions that nobody may take."""

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        """Fail."""
        raise AssertionError("nothing is validated here")

    async def write(self, parameter: str, wanted: Measurement, probe: Probe, user: User) -> None:
        """Fail."""
        raise AssertionError("nothing is written here")

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        """Fail."""
        raise AssertionError("nothing is switched here")
