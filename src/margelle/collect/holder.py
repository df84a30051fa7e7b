"""Who a collector is: its name among those that share a store, by which others on the same machine see that it has died."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def new() -> str:
    """A name for a collector of this process: the machine, the process, and what tells it from any other."""
    return f"{_machine()} {os.getpid()} {secrets.token_hex(4)}"


def is_dead(name: str) -> bool:
    """Whether the process of that name was one of this machine, and is no more. In doubt it lives."""
    machine, _, rest = name.rpartition(" ")[0].rpartition(" ")
    if machine != _machine() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _machine() -> str:
    """This machine, as far as its processes see each other: containers may share a name, and not that."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{os.uname().nodename}/{space}"
