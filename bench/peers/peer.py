"""What every server here can be asked to do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Protocol

from bench.peers.fleet import Told
from bench.peers.question import Answer, Question
from bench.process import cpu_s, over

SERVERS, GENERATOR = max(os.sched_getaffinity(0)), min(os.sched_getaffinity(0))
"""The core on which servers run, and the one that asks them. On a machine with one core they are the same."""


class Peer(Protocol):
    """A server with its data in a folder of its own."""

    name: str
    promise: str
    """What it promises of data that it has acknowledged."""
    port: int

    def start(self) -> None:
        """Run it. It has what it was given before it was stopped."""

    def stop(self) -> None:
        """End it."""

    def written(self, batch: Sequence[Told]) -> bytes:
        """A batch in the words in which it is sent."""

    def send(self, body: bytes) -> None:
        """Let the server keep what was written. Raises RuntimeError where it does not."""

    def to_store(self, batch: Sequence[Told]) -> str:
        """The request that lets it keep a batch."""

    def settle(self) -> None:
        """Let it bring everything to where it stays."""

    def request(self, question: Question) -> str:
        """The question as a request over HTTP."""

    def answer(self, question: Question, body: bytes) -> Answer:
        """What was answered."""

    def size_bytes(self) -> int:
        """The room on disk."""

    def pids(self) -> list[int]:
        """Its processes."""


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started within runs on this core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def asked(port: int, request: str) -> bytes:
    """The body of an answer. Raises RuntimeError for one that is not 200."""
    head, _, body = request.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    return call(port, method, path, body.encode(), headers)


def call(port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """The body of an answer likewise."""
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        told = answer.read()
    finally:
        connection.close()
    if answer.status not in {200, 204}:
        raise RuntimeError(f"{path}: {answer.status} {told[:500]!r}")
    return told


def get(path: str, **headers: str) -> str:
    """A GET over HTTP."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n"


def post(path: str, body: bytes, **headers: str) -> str:
    """A POST over HTTP."""
    return get(path, **headers, Content_Length=str(len(body))).replace("GET", "POST", 1) + body.decode()


def in_lines(batch: Sequence[Told]) -> bytes:
    """In InfluxDB's line protocol, which both speak: a line for each reading. What is doubtful is a series of its own."""
    lines = []
    for probe, at_s, values, doubtful in batch:
        good = ",".join(f"{name}={value!r}" for name, value in values.items() if name not in doubtful)
        if good:
            lines.append(f"water,probe={probe} {good} {at_s}")
        if doubtful:
            bad = ",".join(f"{name}={values[name]!r}" for name in doubtful)
            lines.append(f"water,probe={probe},doubt=vendor {bad} {at_s}")
    return "\n".join(lines).encode()


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder, as they are on disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def until_quiet(pids: Callable[[], Sequence[int]], size_bytes: Callable[[], int], patience_s: float = 120) -> None:
    """Wait until a server does nothing more by itself: no work of its processor, and its files stay as large as they are."""
    before, quiet, give_up = (-1.0, -1), 0, time.monotonic() + patience_s
    while quiet < 3 and time.monotonic() < give_up:
        time.sleep(0.5)
        now = (over(pids(), cpu_s), size_bytes())
        quiet = quiet + 1 if now[0] - before[0] <= 0.05 and now[1] == before[1] else 0
        before = now
