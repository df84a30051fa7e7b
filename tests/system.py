"""Programs that only the system can give: what cannot be tested without one is said at the end, and is a failure where CI is set."""

from __future__ import annotations

import os
import random
import shutil
import socket
from contextlib import suppress

import pytest


def program(name: str, package: str) -> str:
    """Where a program of this machine is. The test that asks is skipped where there is none, and fails where CI is set."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is not None:
        return found
    missing = f"{name} is not installed (on Debian: apt install {package})"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{missing}, and in CI nothing is left untested", pytrace=False)
    pytest.skip(missing)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, below those that the system gives to whoever asks for any, and so free until it is used."""
    while True:
        port = random.randrange(12_000, 32_000)
        with suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port


def untested(reasons: list[str]) -> list[str]:
    """What to say at the end of a run: each reason for which tests were left out, in a line."""
    return [f"{reasons.count(reason)} tests were left out: {reason}." for reason in dict.fromkeys(reasons)]
