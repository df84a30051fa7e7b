"""A process of its own that copies a database in short stretches, each once it is told to by a line, until it is killed: python -m tests.store.copier FROM TO."""

from __future__ import annotations

import asyncio
import sys

from margelle.store import copying, open_copyable
from margelle.store.layout import stretch
from margelle.store.vault import Vault
from tests.store.things import KEY

SHORT = 200


async def run(source: str, target: str) -> None:
    one, other = open_copyable(source, Vault(KEY)), open_copyable(target, Vault(KEY))
    await copying.copy(one, other, _say)
    await other.close()
    await one.close()


def _say(share: float) -> None:
    sys.stdout.write(f"{share}\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    stretch.MANY = SHORT  # type: ignore[misc]
    asyncio.run(run(sys.argv[1], sys.argv[2]))
