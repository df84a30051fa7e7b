"""Asks the faces whatever can be asked, for minutes: `python -m tools.fuzz [MINUTES [SEED]]`.

Rounds of `tests/fuzz` with one seed after another; ends at the first failure, with the command that repeats it, and says what was tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import SystemRandom

EXAMPLES = "300"
"""Requests to each path in a round."""

Told = Counter[tuple[str, str, int]]


def main() -> int:
    """The command line."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SystemRandom().randrange(1 << 32)
    told, rounds, end = Told(), 0, time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        print(f"Round {rounds + 1}, seed {seed + rounds}", flush=True)
        if not _round(seed + rounds, told):
            print(f"\nFailed. Again: MARGELLE_FUZZ_EXAMPLES={EXAMPLES} {' '.join(_command(seed + rounds))}")
            return 1
        rounds += 1
    _tell(told, rounds, seed)
    return 0


def _round(seed: int, told: Told) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        environ = {**os.environ, "MARGELLE_FUZZ_EXAMPLES": EXAMPLES, "MARGELLE_FUZZ_TOLD": str(file)}
        ended = subprocess.run([sys.executable, *_command(seed)[1:]], env=environ, check=False)
        if file.exists():
            told.update(
                {(vendor, route, status): count for vendor, route, status, count in json.loads(file.read_text())}
            )
    return ended.returncode == 0


def _command(seed: int) -> list[str]:
    return ["python", "-m", "pytest", "tests/fuzz", "-x", f"--hypothesis-seed={seed}"]


def _tell(told: Told, rounds: int, seed: int) -> None:
    """What was tried, by path and by status."""
    for vendor, route in sorted({key[:2] for key in told}):
        statuses = {
            status: told[vendor, route, status] for status in sorted({k[2] for k in told if k[:2] == (vendor, route)})
        }
        print(f"{vendor:7} {route:60} " + "  ".join(f"{status}: {count}" for status, count in statuses.items()))
    print(
        f"\n{told.total()} requests to {len({key[:2] for key in told})} paths in {rounds} rounds from seed {seed}: nothing wrong."
    )


if __name__ == "__main__":
    sys.exit(main())
