"""Commands run in this process, and processes that run for a while."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, Queue
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from margelle.ports import AuditEntry
from margelle.store import open_store
from margelle.store.vault import Vault
from margelle.vendors import VENDORS

PATIENCE_S = 120.0
CLOUD_PASSWORD = "geheim & 100 %"


class Ended(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


Margelle = Callable[..., Ended]


def audit(home: Path) -> list[AuditEntry]:
    """The audit log of the hub whose files are at home there, the newest first."""

    async def read() -> list[AuditEntry]:
        key = Vault.open(home / ".config/margelle/key")
        store = open_store(str(home / ".local/share/margelle/margelle.sqlite"), key)
        found = await store.audit()
        await store.close()
        return found

    return asyncio.run(read())


class Running:
    """A margelle process with everything that it prints."""

    def __init__(self, *arguments: str, home: Path, environ: Mapping[str, str] | None = None, given: str = "") -> None:
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error::ResourceWarning", "-m", "margelle", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUTF8": "1", **(environ or {})},
        )
        assert self.process.stdin is not None
        self.process.stdin.write(given)
        self.process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put(None)

    def until(self, pattern: str) -> re.Match[str]:
        """The first line that matches; fails if the process ends, or is silent for too long."""
        while True:
            try:
                line = self._queue.get(timeout=PATIENCE_S)
            except Empty:
                raise AssertionError(f"silent, without {pattern!r}: {self.text}") from None
            if line is None:
                raise AssertionError(f"ended with {self.process.wait()}, without {pattern!r}: {self.text}")
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match

    @property
    def text(self) -> str:
        """What was printed so far."""
        return "".join(self.lines)

    def end(self, how: signal.Signals = signal.SIGINT, within_s: float = 60.0) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(how)
        return self.ended(within_s)

    def ended(self, within_s: float = 60.0) -> int:
        """The exit code of a process that ends by itself."""
        code = self.process.wait(within_s)
        self._reader.join(within_s)
        while not self._queue.empty():
            self.lines.append(self._queue.get() or "")
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def clear(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.ended()


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts margelle processes, which are gone at the end."""
    started: list[Running] = []

    def run(*arguments: str, home: Path = tmp_path, **environ: str) -> Running:
        started.append(Running(*arguments, home=home, environ=environ))
        return started[-1]

    yield run
    for running in started:
        running.clear()


@pytest.fixture
def margelle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Margelle]:
    """Runs a command in this process, in a home and with a data folder of its own."""
    for name in [name for name in os.environ if name.startswith(("MARGELLE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # as `main` does, whoever started us ignores it
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*arguments: str, stdin: str = "") -> Ended:
        from margelle.cli.command import run as run_command

        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capfdbinary.readouterr()
        code = run_command(list(arguments))
        sys.stdout.flush()
        printed = capfdbinary.readouterr()
        return Ended(code, printed.out.decode(), printed.err.decode())

    yield run
    signal.signal(signal.SIGINT, heard)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, the hour's budgets as they are, but no wait from one request to the next."""
    for name, vendor in VENDORS.items():
        pace = tuple(rate for rate in vendor.pace if rate.seconds > 1)
        monkeypatch.setitem(VENDORS, name, replace(vendor, pace=pace))


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of Ondilo's cloud, imitated by a process of its own; its users' password is `CLOUD_PASSWORD`."""
    arguments = ("clouds", "--port", "0", "--no-quotas", "--password-stdin")
    running = Running(*arguments, home=tmp_path_factory.mktemp("clouds"), given=f"{CLOUD_PASSWORD}\n")
    try:
        url = running.until(r"Cloud:\s+(http://\S+)")[1]
        running.until(r"Data:")
        yield url
        assert running.end() == 0, running.text
        assert CLOUD_PASSWORD not in running.text
    finally:
        running.clear()
