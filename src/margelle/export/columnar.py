"""Rows of any flat kind as Arrow's stream and as Parquet, with pyarrow: the extra `margelle[columnar]`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from margelle.errors import Unavailable

if TYPE_CHECKING:
    import pyarrow

GROUP: Final = 100_000
"""Rows in one group of a Parquet file, which are in memory together."""


class Writer(Protocol):
    """Turns rows into bytes as they come; each method returns what there is to send now."""

    def write(self, rows: Sequence[Struct]) -> bytes:
        """Take rows."""
        ...

    def close(self) -> bytes:
        """Take no more."""
        ...


@cache
def present() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


def writer(name: str, kind: type[Struct]) -> Writer:
    """A writer of rows of this kind in the format `name`: arrow or parquet. Raises Unavailable where pyarrow is not installed."""
    if not present():
        raise Unavailable(f"{name} needs pyarrow here.", hint="Install margelle[columnar].")
    return _Arrow(kind) if name == "arrow" else _Parquet(kind)


class _Sink:
    """A file that gives what was written to it away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.closed = False

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def taken(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class _Arrow:
    def __init__(self, kind: type[Struct]) -> None:
        import pyarrow  # noqa: PLC0415 - 39 MB that only who asks for it loads

        self._schema, self._sink = _schema(kind), _Sink()
        self._file = pyarrow.PythonFile(self._sink, mode="w")
        self._stream = pyarrow.ipc.new_stream(self._file, self._schema)

    def write(self, rows: Sequence[Struct]) -> bytes:
        self._stream.write_batch(_batch(rows, self._schema))
        return self._sink.taken()

    def close(self) -> bytes:
        self._stream.close()
        return self._sink.taken()


class _Parquet:
    def __init__(self, kind: type[Struct]) -> None:
        import pyarrow  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        self._schema, self._sink = _schema(kind), _Sink()
        self._file = pyarrow.PythonFile(self._sink, mode="w")
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        self._waiting: list[Any] = []

    def write(self, rows: Sequence[Struct]) -> bytes:
        self._waiting.append(_batch(rows, self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= GROUP:
            self._put()
        return self._sink.taken()

    def close(self) -> bytes:
        if self._waiting:
            self._put()
        self._writer.close()
        return self._sink.taken()

    def _put(self) -> None:
        import pyarrow  # noqa: PLC0415

        self._writer.write_table(pyarrow.Table.from_batches(self._waiting, self._schema))
        self._waiting.clear()


def _schema(kind: type[Struct]) -> pyarrow.Schema:
    """The columns of a kind of row: instants to the microsecond in UTC, lists as JSON."""
    import pyarrow  # noqa: PLC0415

    types: dict[type, Any] = {
        datetime: pyarrow.timestamp("us", "UTC"),
        date: pyarrow.date32(),
        float: pyarrow.float64(),
        int: pyarrow.int64(),
        bool: pyarrow.bool_(),
    }
    return pyarrow.schema(
        [
            (field.name, next((types[one] for one in _parts(field.type) if one in types), pyarrow.string()))
            for field in msgspec.structs.fields(kind)
        ]
    )


def _parts(annotated: Any) -> tuple[Any, ...]:
    return tuple(part for part in getattr(annotated, "__args__", (annotated,)) if part is not type(None))


def _batch(rows: Sequence[Struct], schema: pyarrow.Schema) -> Any:
    import pyarrow  # noqa: PLC0415

    columns = zip(*map(astuple, rows), strict=True)
    return pyarrow.record_batch(
        [_column(list(cells), field) for cells, field in zip(columns, schema, strict=True)], schema=schema
    )


def _column(cells: list[Any], field: Any) -> Any:
    import pyarrow  # noqa: PLC0415

    if str(field.type) == "string":
        cells = [msgspec.json.encode(cell).decode() if isinstance(cell, tuple) else cell for cell in cells]
    return pyarrow.array(cells, field.type)
