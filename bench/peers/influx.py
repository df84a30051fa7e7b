"""InfluxDB 1.x, as Debian has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench.peers import peer
from bench.peers.fleet import Told
from bench.peers.peer import SERVERS, call, get, on_core, size_of
from bench.peers.question import Answer, Question
from bench.process import free_port, server
from bench.water import QUANTITIES

DATABASE: Final = "margelle"
CREATE: Final = f"CREATE DATABASE {DATABASE} WITH DURATION INF SHARD DURATION 520w"
"""One shard: weekly ones, which are the default, make it slower."""

MISSING: Final = "No influxd here (Debian's package influxdb): measured without it."
_SETTINGS: Final = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
cache-snapshot-write-cold-duration = "1s"
compact-full-write-cold-duration = "3s"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[logging]
level = "error"
suppress-logo = true
"""


def program() -> str | None:
    """Where the server is, if anywhere."""
    return shutil.which("influxd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")


def version(influxd: str) -> str:
    """Such as InfluxDB 1.6.7."""
    told = subprocess.run([influxd, "version"], check=True, capture_output=True, text=True).stdout
    return f"InfluxDB {told.split()[1].removeprefix('v').split('~')[0]}"


@contextmanager
def running(influxd: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A server with its data in `folder`: its port and process."""
    folder.mkdir(exist_ok=True)
    port, settings = free_port(), folder / "influxdb.conf"
    settings.write_text(_SETTINGS.format(folder=folder, port=port, rpc=free_port()))
    with server([influxd, "-config", str(settings)], port, query("SHOW DATABASES")) as (pid, _):
        yield port, pid


def query(text: str) -> str:
    """The path that asks for something in InfluxQL."""
    return "/query?" + urlencode({"db": DATABASE, "epoch": "s", "q": text})


class Influx:
    """A server of the bench's own."""

    promise = "fsync of each batch"

    def __init__(self, influxd: str, folder: Path) -> None:
        self.name = version(influxd)
        self.port, self._pid = 0, 0
        self._influxd, self._folder = influxd, folder
        self._running = ExitStack()

    def start(self) -> None:
        with on_core(SERVERS):
            self.port, self._pid = self._running.enter_context(running(self._influxd, self._folder))
        call(self.port, "POST", query(CREATE))

    def stop(self) -> None:
        self._running.close()

    def written(self, batch: Sequence[Told]) -> bytes:
        return peer.in_lines(batch)

    def send(self, body: bytes) -> None:
        call(self.port, "POST", f"/write?db={DATABASE}&precision=s", body)

    def to_store(self, batch: Sequence[Told]) -> str:
        return peer.post(f"/write?db={DATABASE}&precision=s", self.written(batch))

    def settle(self) -> None:
        """It writes its memory to disk when it ends, and merges its files when they have been cold for a while."""
        self.stop()
        self.start()
        peer.until_quiet(self.pids, self.size_bytes)

    def request(self, question: Question) -> str:
        return get(query(_told(question)))

    def answer(self, question: Question, body: bytes) -> Answer:
        (result,) = json.loads(body)["results"]
        rows = [row for series in result.get("series", ()) for row in series["values"]]
        if question.kind == "latest":
            return sorted(zip(QUANTITIES, rows[0][1:], strict=True))
        if question.kind == "range":
            return sorted(map(tuple, rows))
        return [tuple(row) for row in rows if row[1]]

    def size_bytes(self) -> int:
        return size_of(self._folder)

    def pids(self) -> list[int]:
        return [self._pid]


def _told(question: Question) -> str:
    """The question in InfluxQL. A day's figures are of what nothing speaks against."""
    probe, quantity = f"probe = '{question.probe}'", question.quantity
    if question.kind == "latest":
        return f"SELECT {', '.join(f'last({one})' for one in QUANTITIES)} FROM water WHERE {probe}"
    span = f"time >= {question.since_s}s AND time < {question.until_s}s"
    if question.kind == "range":
        return f"SELECT {quantity} FROM water WHERE {probe} AND {span}"
    figures = ", ".join(f"{one}({quantity})" for one in ("count", "min", "max", "mean", "median"))
    return f"SELECT {figures} FROM water WHERE {probe} AND doubt = '' AND {span} GROUP BY time(1d)"
