"""VictoriaMetrics, a single server, as Debian has it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bench.peers import peer
from bench.peers.fleet import Told
from bench.peers.peer import SERVERS, call, get, on_core, size_of
from bench.peers.question import Answer, Question
from bench.process import free_port, server

MISSING: Final = "No victoria-metrics here (Debian's package victoria-metrics): measured without it."
_DAY_S: Final = 86_400
_FIGURES: Final = ("count", "min", "max", "avg", "median")


def program() -> str | None:
    """Where the server is, if anywhere."""
    return shutil.which("victoria-metrics")


class Victoria:
    """A server of the bench's own."""

    promise = "no log: what came in the last seconds is lost in a crash"

    def __init__(self, command: str, folder: Path) -> None:
        told = subprocess.run([command, "-version"], check=False, capture_output=True, text=True)
        found = re.search(r"\d+\.\d+\.\d+", told.stdout + told.stderr)
        self.name = f"VictoriaMetrics {found[0] if found else ''}".strip()
        self.port, self._pid = 0, 0
        self._command, self._folder = command, folder
        self._running = ExitStack()

    def start(self) -> None:
        self.port = free_port()
        told = {
            "storageDataPath": self._folder,
            "httpListenAddr": f"127.0.0.1:{self.port}",
            "retentionPeriod": "100y",
            "search.maxStalenessInterval": "3h",
            "search.maxPointsPerTimeseries": 1_000_000,
            "loggerLevel": "ERROR",
        }
        with on_core(SERVERS):
            command = [self._command, *(f"-{name}={value}" for name, value in told.items())]
            self._pid, _ = self._running.enter_context(server(command, self.port, "/health"))

    def stop(self) -> None:
        self._running.close()

    def written(self, batch: Sequence[Told]) -> bytes:
        return peer.in_lines(batch)

    def send(self, body: bytes) -> None:
        call(self.port, "POST", "/write?precision=s", body)

    def to_store(self, batch: Sequence[Told]) -> str:
        return peer.post("/write?precision=s", self.written(batch))

    def settle(self) -> None:
        call(self.port, "GET", "/internal/force_flush")
        call(self.port, "GET", "/internal/force_merge")
        peer.until_quiet(self.pids, self.size_bytes)

    def request(self, question: Question) -> str:
        return get(_path(question))

    def answer(self, question: Question, body: bytes) -> Answer:
        if question.kind == "range":
            lines = [json.loads(line) for line in body.splitlines()]
            return sorted(
                (at // 1000, v) for one in lines for at, v in zip(one["timestamps"], one["values"], strict=True)
            )
        found = json.loads(body)["data"]["result"]
        if question.kind == "latest":
            return sorted((one["metric"]["__name__"].removeprefix("water_"), float(one["value"][1])) for one in found)
        return _days(found)

    def size_bytes(self) -> int:
        return size_of(self._folder)

    def pids(self) -> list[int]:
        return [self._pid]


def _path(question: Question) -> str:
    """The question as a path. A day's figures are those of the day that ends at a step, of what nothing speaks against."""
    if question.kind == "latest":
        asked = {"query": f'{{probe="{question.probe}",doubt=""}}', "time": question.until_s, "step": "3h"}
        return f"/api/v1/query?{urlencode(asked)}"
    if question.kind == "range":
        match = f'water_{question.quantity}{{probe="{question.probe}"}}'
        return f"/api/v1/export?{urlencode({'match[]': match, 'start': question.since_s, 'end': question.until_s - 1})}"
    series = f'water_{question.quantity}{{probe="{question.probe}",doubt=""}}[1d]'
    figures = ", ".join(f'"{one}_over_time"' for one in _FIGURES[:-1])
    told = (
        f'(aggr_over_time(({figures}), {series}), label_set(median_over_time({series}), "rollup", "median_over_time"))'
    )
    span = {"start": question.since_s + _DAY_S, "end": question.until_s, "step": "1d"}
    return f"/api/v1/query_range?{urlencode({'query': told, **span, **({} if question.kept else {'nocache': 1})})}"


def _days(found: Sequence[dict[str, Any]]) -> Answer:
    days: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for series in found:
        for end_s, value in series["values"]:
            days[int(end_s) - _DAY_S][series["metric"]["rollup"].removesuffix("_over_time")] = float(value)
    return [(day, *(figures[one] for one in _FIGURES)) for day, figures in sorted(days.items())]
