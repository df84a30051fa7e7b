"""The command line: the one floor that knows every room."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command that was typed, and end the process with its exit code."""
    import sys

    from margelle.cli.command import run

    sys.exit(run(sys.argv[1:]))
