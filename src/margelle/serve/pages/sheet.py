"""Tables as CSV, to be opened by a spreadsheet without harm."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from starlette.responses import Response, StreamingResponse

from margelle.domain.cell import guarded


def sheet(name: str, columns: Sequence[str], rows: AsyncIterator[Sequence[object]]) -> Response:
    """An answer that a browser keeps as `<name>.csv` (UTF-8, RFC 4180), written while the rows come."""

    async def lines() -> AsyncIterator[str]:
        yield _line(columns)
        async for row in rows:
            yield _line([_cell(one) for one in row])

    file = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80] or "table"
    headers = {"content-disposition": f'attachment; filename="{file}.csv"', "cache-control": "no-store"}
    return StreamingResponse(lines(), headers=headers, media_type="text/csv; charset=utf-8")


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: object) -> str:
    """As text that no spreadsheet computes."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, float):
        return f"{value:g}"
    return guarded(str(value))
