"""What the vendors' own names measure: as the settings file says, and as was said on the pages, which a memo keeps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from margelle.config import Settings
from margelle.errors import ConfigError, StoreError
from margelle.phrase import Phrase
from margelle.ports import Mapped, Naming, Store, Vendor
from margelle.waiting import pause

LOOK_S: Final = 1.0
"""So often it is looked whether another process was told something."""

_log: Final = logging.getLogger(__name__)


class HubMeanings:
    """Implements `ports.Meanings`. `sections` are each vendor's settings with both, another object whenever they have changed."""

    def __init__(self, settings: Settings, vendors: Mapping[str, Vendor], store: Store) -> None:
        self._settings, self._vendors, self._store = settings, vendors, store
        self._said: dict[str, dict[str, str]] = {}
        self._turn = asyncio.Lock()
        self.sections: dict[str, dict[str, Any]] = {name: settings.section(name) for name in vendors}

    def in_force(self, vendor: str) -> Mapped:
        """Both together."""
        return self._mapped(self.sections[vendor], vendor)

    def in_file(self, vendor: str) -> Mapped:
        """What the settings file says."""
        return self._mapped(self._settings.section(vendor), vendor)

    async def refresh(self) -> None:
        """Take over what was said, here or in another process."""
        for vendor, naming in self._namings().items():
            said = await self._read(vendor)
            if said != self._said.get(vendor, {}):
                self._said[vendor] = said
                both = naming.merged(self.in_file(vendor), said, self._settings.catalogue)
                self.sections[vendor] = self.sections[vendor] | {naming.setting: both}

    async def say(self, vendor: str, said: Mapping[str, str]) -> None:
        """Keep what was said. Raises ConfigError."""
        naming = self._namings()[vendor]
        async with self._turn:
            known = await self._read(vendor)
            wanted = {name: meaning for name, meaning in (known | dict(said)).items() if meaning}
            both = naming.merged(self.in_file(vendor), wanted, self._settings.catalogue)
            for name, meaning in said.items():
                if meaning and both.get(name) != meaning:
                    self._refuse(vendor, naming, name, meaning)
            await self._store.put_memo(_memo(vendor), msgspec.json.encode(wanted))
            await self.refresh()

    def news(self) -> Callable[[], Awaitable[set[str]]]:
        """A function that tells, each time, of which vendors the meanings have changed since the last time."""
        known = dict(self.sections)

        async def changed() -> set[str]:
            await self.refresh()
            names = {name for name, section in self.sections.items() if section is not known[name]}
            known.update(self.sections)
            return names

        return changed

    async def follow(self, stop: asyncio.Event, look_s: float = LOOK_S) -> None:
        """Take over what is said in other processes, until `stop`: for a process without a collector, which does so otherwise."""
        seen = None
        while not stop.is_set():
            try:
                if (version := await self._store.version()) != seen:
                    await self.refresh()
                    seen = version
            except StoreError as error:
                _log.warning("What was said of tags cannot be read: %s", error)
            await pause(look_s, stop)

    def _refuse(self, vendor: str, naming: Naming, name: str, meaning: str) -> None:
        """Raises ConfigError that says why this makes no sense."""
        configure = self._vendors[vendor].configure
        if configure is not None:  # which raises with its own words
            configure(
                self._settings.section(vendor) | {naming.setting: {**self.in_file(vendor), name: meaning}},
                self._settings.catalogue,
            )
        raise ConfigError(
            f"{name} = {meaning!r} does not go together with what is said of another name.",
            hint=f"The settings file outranks the pages: see [{vendor}.{naming.setting}] there.",
            phrase=Phrase("tags.clash", {"name": name, "setting": f"[{vendor}.{naming.setting}]"}),
        )

    def _namings(self) -> dict[str, Naming]:
        return {name: vendor.naming for name, vendor in self._vendors.items() if vendor.naming is not None}

    def _mapped(self, section: Mapping[str, Any], vendor: str) -> Mapped:
        naming = self._namings().get(vendor)
        return section.get(naming.setting, {}) if naming is not None else {}

    async def _read(self, vendor: str) -> dict[str, str]:
        memo = await self._store.memo(_memo(vendor))
        try:
            return msgspec.json.decode(memo, type=dict[str, str]) if memo else {}
        except msgspec.MsgspecError:  # another version's: the file still counts
            return {}


def _memo(vendor: str) -> str:
    """Its name has no slash: it is of no account."""
    return f"meanings of {vendor}"
