"""The store in one SQLite file: short transactions, made inline on the event loop, durable when they return."""

from __future__ import annotations

import logging
from pathlib import Path

from margelle.store.sqlite.access import AccessTables
from margelle.store.sqlite.advice import AdviceTables
from margelle.store.sqlite.database import Database
from margelle.store.sqlite.events import EventTables
from margelle.store.sqlite.forms import FormTable
from margelle.store.sqlite.gaps import GapTables
from margelle.store.sqlite.journal import JournalTables
from margelle.store.sqlite.leases import LeaseTables
from margelle.store.sqlite.notes import NotesTables
from margelle.store.sqlite.people import PeopleTables
from margelle.store.sqlite.places import PlacesTables
from margelle.store.sqlite.refusals import RefusalTable
from margelle.store.sqlite.transfer import TransferTables
from margelle.store.sqlite.upkeep import Upkeep
from margelle.store.vault import Vault

_log = logging.getLogger(__name__)


class SqliteStore(
    Upkeep,
    TransferTables,
    GapTables,
    PlacesTables,
    AccessTables,
    PeopleTables,
    EventTables,
    AdviceTables,
    NotesTables,
    JournalTables,
    LeaseTables,
    RefusalTable,
    FormTable,
):
    """Implements `ports.Store` over the file at `path`, which several processes may share.

    It waits `busy_timeout_s` for another process's transaction, and lets others have their turn meanwhile. Raises StoreError where the file cannot be used; who `only_reads` can use one that cannot be written.
    """

    def __init__(self, path: Path, vault: Vault, *, busy_timeout_s: float = 5.0, only_reads: bool = False) -> None:
        self._db = Database(path, busy_timeout_s=busy_timeout_s, only_reads=only_reads)
        if self._db.is_fixed:
            _log.warning("%s cannot be written here, so it is only read, as it is", path)
        self._vault = vault
        self._personas = {}
        self._changes_by_points = 0
        self._furnish()

    async def version(self, *, but_points: bool = False) -> int:
        return self._db.version() - (self._changes_by_points if but_points else 0)

    def version_at_once(self) -> int | None:
        return self._db.version()

    async def close(self) -> None:
        self._db.close()
