"""What a store is asked for."""

from __future__ import annotations

from typing import Any

from margelle.store.memory import MemoryStore


class Asked:
    """A store that notes the names of what it is asked for."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.names.append(name)
        return getattr(self._store, name)
