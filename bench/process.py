"""Servers and load in processes of their own, and what they cost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(
    command: list[str], port: int, path: str, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[int, float]]:
    """Run a server until the block ends; gives its process id and the seconds until it first answered 200 at `path`."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **(environ or {})}
    )
    try:
        while not _answers(port, path):
            if process.poll() is not None:
                assert process.stderr is not None
                raise RuntimeError(f"{command}: {process.stderr.read().decode()[-2000:]}")
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - begin
    finally:
        process.terminate()
        process.communicate()


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def load(
    port: int, requests: Sequence[str], folder: Path, *, connections: int = 32, seconds: float = 3, once: bool = False
) -> dict[str, float]:
    """What a load generator in its own process measured, which sends these requests in turn; each `once`, or for so many seconds."""
    seconds = 0 if once else seconds
    path = folder / "requests"
    path.write_text(json.dumps(list(requests)))
    command = [sys.executable, "-m", "bench.load", "127.0.0.1", str(port), str(connections), str(seconds), str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def cpu_s(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """The proportional share of memory (PSS) of a process: shared libraries are counted once among those that use them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss in smaps_rollup")


def memory_resident_mb(pid: int) -> float:
    """Resident memory (RSS) of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
