"""Servers and load in processes of their own, and what they cost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
    except OSError:  # nobody listens yet, or is busy with its start
        return False


def load(
    port: int,
    requests: Sequence[str],
    folder: Path,
    *,
    connections: int = 32,
    seconds: float = 3,
    core: int | None = None,
) -> dict[str, float]:
    """What a load generator in its own process, perhaps on a core of its own, measured, which sends these requests in turn; with 0 `seconds`, each of them once."""
    path = folder / "requests"
    path.write_text(json.dumps(list(requests)))
    command = [sys.executable, "-m", "bench.load", "127.0.0.1", str(port), str(connections), str(seconds), str(path)]
    if core is not None:
        command.append(str(core))
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def cpu_s(pid: int) -> float:
    """Processor time that a process and the children that it has outlived have used so far: its own to the nanosecond, where the system counts that of each thread."""
    ticks = [int(field) for field in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]]
    threads = [int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    return (sum(threads) / 1e9 if any(threads) else sum(ticks[:2]) * tick_s) + sum(ticks[2:]) * tick_s


def over(pids: Iterable[int], read: Callable[[int], float]) -> float:
    """The sum of what is read of several processes, but for those that end meanwhile."""
    total = 0.0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            total += read(pid)
    return total


def family(pid: int) -> list[int]:
    """A process and those that it has begun."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def memory_mb(pid: int) -> float:
    """The proportional share of memory (PSS) of a process: shared libraries are counted once among those that use them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss in smaps_rollup")


def memory_resident_mb(pid: int) -> float:
    """Resident memory (RSS) of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
