"""What the parts of the store in memory share."""

from __future__ import annotations


class Counted:
    """Counts how often something was kept."""

    _version = 0

    async def version(self, *, but_points: bool = False) -> int:  # noqa: ARG002
        return self._version

    def version_at_once(self) -> int | None:
        return self._version
