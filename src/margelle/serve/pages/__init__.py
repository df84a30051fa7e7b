"""What people see."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from margelle.ports import Clock, Store, Vendor
from margelle.serve.sign_in import Attempts


def routes(
    store: Store, vendors: Sequence[Vendor], clock: Clock, attempts: Attempts, *, title: str, public: bool
) -> list[BaseRoute]:
    """The pages' routes."""
    return []
