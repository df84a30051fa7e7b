"""A real Prometheus over the same samples, to hold the hub's answers against; and its own client, `promtool`."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.system import free_port, program

PACKAGE = "prometheus"
"""Of Debian, which has both programs."""

PATIENCE_S = 20.0
LOOKBACK = "2h"

_CONFIG = "global:\n  evaluation_interval: 1m\n"

Sample = tuple[str, dict[str, str], datetime, float]
"""A metric, its labels, an instant and a value."""


DISK = "/var/tmp"
"""promtool reserves 128 MiB for each of many blocks, which a file system in memory would have to find."""


@contextmanager
def prometheus(samples: Sequence[Sample]) -> Iterator[str]:
    """The address of a Prometheus that has these samples and nothing else."""
    with TemporaryDirectory(dir=DISK, prefix="margelle-prometheus-") as folder, _running(Path(folder), samples) as url:
        yield url


@contextmanager
def _running(folder: Path, samples: Sequence[Sample]) -> Iterator[str]:
    server, tool = program("prometheus", PACKAGE), program("promtool", PACKAGE)
    (folder / "samples.txt").write_text(_openmetrics(samples))
    (folder / "prometheus.yml").write_text(_CONFIG)
    command = [tool, "tsdb", "create-blocks-from", "openmetrics", str(folder / "samples.txt"), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True)
    port = free_port()
    process = subprocess.Popen(
        [
            server,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--query.lookback-delta={LOOKBACK}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _openmetrics(samples: Sequence[Sample]) -> str:
    lines = []
    by_metric: dict[str, list[str]] = {}
    for metric, labels, at, value in samples:
        told = ",".join(f'{name}="{text}"' for name, text in labels.items())
        by_metric.setdefault(metric, []).append(f"{metric}{{{told}}} {value!r} {at.timestamp()!r}")
    for metric, rows in by_metric.items():
        lines += [f"# TYPE {metric} gauge", *rows]
    return "\n".join([*lines, "# EOF\n"])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, "prometheus ended by itself"
        assert time.monotonic() < give_up, "prometheus does not get ready"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
