"""What every command shares: the settings it was called with, exit codes, and errors that a person can read."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from msgspec import Struct

from margelle.cli import logs
from margelle.cli.plain import plain
from margelle.errors import BadInput, ConfigError, MargelleError
from margelle.redaction import redact

if TYPE_CHECKING:
    from margelle.config import Settings

T = TypeVar("T")

_LONGEST_INPUT: Final = 8192

LINES_EVERY_S: Final = 5.0
"""How often a command that is no terminal's says how far it is."""


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NEEDS_USER = 3
    INTERRUPTED = 130


class Invocation(Struct):
    """The options that stand for every command: the settings file, settings by flag, and whether to show stack traces."""

    config: Path | None = None
    flags: dict[str, Any] = {}
    debug: bool = False

    def settings(self, **flags: Any) -> Settings:
        """The effective settings; `flags` by name with `__` for a dot, None where not given. Sets up logging by them."""
        from margelle.config import load

        named = {name.replace("__", "."): value for name, value in flags.items() if value is not None}
        settings = load(self.config, os.environ, {**self.flags, **named})
        logs.set_up("debug" if self.debug else settings["log_level"], settings["log_format"])
        return settings


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def invocation(context: typer.Context) -> Invocation:
    """The invocation that the root command has put into the context."""
    found = context.find_object(Invocation)
    return found if found is not None else Invocation()


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a short command's coroutine."""
    return asyncio.run(main)


def say(text: str = "") -> None:
    """Print a line for the user."""
    typer.echo(plain(text))


def note(text: str) -> None:
    """Print a line beside the output, on standard error."""
    typer.echo(plain(text), err=True)


def brief(text: str, most: int = 100) -> str:
    """What a cloud wrote, as a part of one line."""
    text = " ".join(text[: 2 * most].split())
    return text if len(text) <= most else text[: most - 1] + "…"


def counted(n: int, what: str) -> str:
    """`n` things, as people say it."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def say_json(value: Any) -> None:
    """Print a value as indented JSON."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their heads, each in one line, and each column as wide as its widest cell."""
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    for row in (head, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class Lines:
    """Tells the share of the work that is done in lines, one every few seconds: for a log, or whoever reads along."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._clock = what, clock
        self._told_at = clock()

    def __call__(self, share: float) -> None:
        """So much of it is done, up to 1."""
        now = self._clock()
        if now - self._told_at >= LINES_EVERY_S:
            self._told_at = now
            note(f"{self._what}: {share:.0%}")


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """A function to tell what share of the work is done: a bar on standard error where that is a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield Lines(what)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def asked(prompt: str, *, hidden: bool = False, confirm: bool = False) -> str:
    """What the user answers, hidden (and given twice, to `confirm`). Raises BadInput where the input ends, KeyboardInterrupt at Ctrl-C."""
    try:
        return str(typer.prompt(prompt, hide_input=hidden, confirmation_prompt=confirm))
    except typer.Abort as abort:
        note("")
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise BadInput(f"The input ended before an answer came to {prompt!r}.") from None


def password(*, from_stdin: bool, confirm: bool = True, prompt: str = "Password") -> str:
    """A password from standard input or by prompt, hidden (and twice, to `confirm`). Raises BadInput for an empty one or one that is no text."""
    if from_stdin:
        read = sys.stdin.buffer.read(_LONGEST_INPUT + 1)
        if len(read) > _LONGEST_INPUT:  # a part of it would be another password
            raise BadInput(f"What came on standard input is longer than {_LONGEST_INPUT} bytes: that is no password.")
        try:
            given = read.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise BadInput("The password on standard input is not UTF-8 text.") from error
    elif not sys.stdin.isatty():
        raise BadInput("There is no terminal to ask for the password.", hint="Give it with --password-stdin.")
    else:
        given = asked(prompt, hidden=True, confirm=confirm)
    if not given or "\n" in given:
        raise BadInput("A password is one line, and not empty.")
    return given


def report(error: MargelleError) -> Exit:
    """Print an error in one or two lines and return the exit code it means."""
    note(f"Error: {redact(error.what)}")
    if error.hint:
        note(redact(error.hint))
    return Exit.USAGE if isinstance(error, BadInput | ConfigError) else Exit.FAILED
