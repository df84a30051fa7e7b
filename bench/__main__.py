"""`make bench`: everything, or what is named: `python -m bench face ingest start`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench import (
    api,
    citus,
    costs,
    face,
    fleet,
    ingest,
    layout,
    outage,
    pages,
    postgres,
    push,
    receipts,
    start,
    upgrade,
)
from bench.report import show

PARTS = {
    "api": api.measure,
    "citus": citus.measure,
    "face": face.measure,
    "fleet": fleet.measure,
    "growth": layout.growth,
    "ingest": ingest.measure,
    "layout": layout.measure,
    "pages": pages.measure,
    "postgres": postgres.measure,
    "push": push.push,
    "receipts": receipts.measure,
    "start": start.measure,
    "workers": push.workers,
}

APART = {"costs": costs.measure, "outage": outage.measure, "upgrade": upgrade.measure}
"""They print tables of their own."""


def main() -> None:
    """Measure and print."""
    names = [*PARTS, *APART]
    chosen = sys.argv[1:] or [name for name in names if name != "citus"]  # which is not installed everywhere
    unknown = [name for name in chosen if name not in names]
    if unknown:
        sys.exit(f"There is no bench {unknown[0]!r}; there is {', '.join(names)}.")
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="margelle-bench-") as folder:
            if name in APART:
                APART[name](Path(folder))
            else:
                show(name, list(PARTS[name](Path(folder))))


if __name__ == "__main__":
    main()
