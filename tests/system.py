"""Programs that only the system can give: what cannot be tested without one is said at the end, and is a failure where CI is set."""

from __future__ import annotations

import os
import shutil

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


def untested(reasons: list[str]) -> list[str]:
    """What to say at the end of a run: each reason for which tests were left out, in a line."""
    return [f"{reasons.count(reason)} tests were left out: {reason}." for reason in dict.fromkeys(reasons)]
