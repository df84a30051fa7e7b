"""The command line: the one floor that knows every room."""

from __future__ import annotations

import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command that was typed, and end the process with its exit code."""
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # while loading, Ctrl-C just ends us: an import may swallow a KeyboardInterrupt
    from margelle.cli.command import run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))
