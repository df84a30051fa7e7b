"""What is told to systemd (`Type=notify`), where it has started us."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Final

VARIABLE: Final = "NOTIFY_SOCKET"


def notify(state: str) -> None:
    """Tell it that we are `READY=1` or `STOPPING=1`; nothing where nobody listens."""
    address = os.environ.get(VARIABLE, "")
    if address[:1] not in {"/", "@"}:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
