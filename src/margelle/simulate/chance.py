"""Chance that is the same on every machine and at every start."""

from __future__ import annotations

from random import Random


def stream(*names: str | int) -> Random:
    """A stream of random numbers of its own for `names` (the seed first).

    Python seeds from a string by SHA-512 of its text, not by `hash()`: the same names give the same numbers in every process.
    """
    return Random("/".join(map(str, names)))  # noqa: S311 - weather, not secrets
