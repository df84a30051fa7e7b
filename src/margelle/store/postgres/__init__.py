"""The store in one PostgreSQL database, which several hubs and collectors may share: transactions that are durable when they return."""

from __future__ import annotations

from margelle.store.postgres.access import AccessTables
from margelle.store.postgres.address import Address
from margelle.store.postgres.advice import AdviceTables
from margelle.store.postgres.database import CONNECTIONS, Database
from margelle.store.postgres.events import EventTables
from margelle.store.postgres.forms import FormTable
from margelle.store.postgres.gaps import GapTables
from margelle.store.postgres.journal import JournalTables
from margelle.store.postgres.leases import LeaseTables
from margelle.store.postgres.notes import NotesTables
from margelle.store.postgres.people import PeopleTables
from margelle.store.postgres.places import PlacesTables
from margelle.store.postgres.refusals import RefusalTable
from margelle.store.postgres.transfer import TransferTables
from margelle.store.vault import Vault


class PostgresStore(
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
    """Implements `ports.Store` over the database at `url`, which it connects to when it is first used.

    Whatever it is asked, it waits `patience_s` for a connection and for other transactions. Raises ConfigError where the URL cannot be read.
    """

    def __init__(self, url: str, vault: Vault, *, patience_s: float = 5.0, connections: int = CONNECTIONS) -> None:
        self._db = Database(Address.of(url), patience_s=patience_s, connections=connections)
        self._vault = vault
        self._heads = {}
        self._folds = {}
        self._personas = {}
        self._snapshots = {}

    async def version(self, *, but_points: bool = False) -> int:
        return await self._db.version(but_points=but_points)

    def version_at_once(self) -> int | None:
        return self._db.version_at_once()

    async def close(self) -> None:
        await self._db.close()
