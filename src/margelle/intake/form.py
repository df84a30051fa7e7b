"""The forms in which points are sent: JSON, NDJSON and CSV, read as they arrive.

What breaks the form (a body that was cut, a line that is no JSON, a row with too few cells) is an error for all of it; a point that can be
read and is wrong concerns only itself.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Struct

from margelle.errors import BadInput
from margelle.intake.point import Told

LONGEST_LINE: Final = 64 << 10
"""Bytes."""

SLICE: Final = 500
"""So many lines, or entries of a long body, are read at once, where none of them is wrong."""

LONG: Final = 4 << 20
"""A body of JSON is read at once up to so many bytes; a longer one would keep others waiting."""

_HALF: Final = re.compile(rb"(\\u[dD][89abAB][\da-fA-F]{2})(?=[^\\]|\\[^u]).{1,5}\Z", re.DOTALL)
"""The end of a JSON text with half a character (a surrogate without its other half), and less behind it than the other half would need."""

_LONGEST_END: Final = 11
"""Bytes of such an end."""

T = TypeVar("T", bound=Struct)


class Entry(Struct, frozen=True, gc=False):
    """The `n`th line or entry, counted from 1: what it tells, or why that cannot be read."""

    n: int
    told: Any = None
    fault: str = ""


class Run(Struct, frozen=True, gc=False):
    """Entries one behind another, the `n`th first, of which each could be read."""

    n: int
    told: list[Any]


Part = Entry | Run


def entries(parts: Iterable[Part]) -> Iterator[Entry]:
    """Each entry by itself."""
    for part in parts:
        if isinstance(part, Run):
            yield from (Entry(n, told) for n, told in enumerate(part.told, part.n))
        else:
            yield part


class Form(Protocol):
    """Reads a body piece by piece."""

    def feed(self, chunk: bytes) -> Iterator[Part]:
        """What is complete with this piece. Raises BadInput where the body is broken."""
        ...

    def close(self) -> Iterator[Part]:
        """What is complete with the end. Raises BadInput where the end came too early."""
        ...


class Json:
    """One object, or an array of objects. It is read when it is whole."""

    def __init__(self, kind: type[Struct] = Told) -> None:
        self._kind = kind
        self._body = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Part]:
        """Nothing yet."""
        self._body += chunk
        return iter(())

    def close(self) -> Iterator[Part]:
        """Every object."""
        told = self._plain() if len(self._body) <= LONG else None
        return iter([Run(1, told)]) if told else self._one_by_one()

    def _plain(self) -> list[Any] | None:
        """All objects, read at once; None where each has to be looked at."""
        try:
            self._body.decode()
            return msgspec.json.decode(self._body, type=list[self._kind])  # type: ignore[name-defined]
        except (ValueError, RecursionError):
            return None

    def _one_by_one(self) -> Iterator[Part]:
        try:
            whole = msgspec.json.decode(self._body, type=msgspec.Raw)
            text = bytes(whole).strip()
            entries = msgspec.json.decode(text, type=list[msgspec.Raw]) if text.startswith(b"[") else [whole]
            text.decode()
        except (ValueError, RecursionError) as error:
            raise BadInput(f"The body is no JSON: {why_no_json(self._body, error)}.") from None
        return self._entries(entries)

    def _entries(self, entries: Sequence[msgspec.Raw]) -> Iterator[Part]:
        decoder = msgspec.json.Decoder(list[self._kind])  # type: ignore[name-defined]
        for start in range(0, len(entries), SLICE):
            some = entries[start : start + SLICE]
            try:
                told = decoder.decode(b"[" + b",".join(some) + b"]")
            except (ValueError, RecursionError):  # one of them, of which the others know nothing
                yield from (_entry(n, bytes(entry), self._kind) for n, entry in enumerate(some, start + 1))
            else:
                yield Run(start + 1, told)


class _Lines:
    """A text of lines, in UTF-8."""

    def __init__(self) -> None:
        self._rest = b""
        self._n = 0

    def feed(self, chunk: bytes) -> Iterator[Part]:
        """The lines that are complete."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        yield from self._all(lines)
        if len(self._rest) > LONGEST_LINE:
            raise self._broken("is too long")

    def close(self) -> Iterator[Part]:
        """The last line, if nothing ended it."""
        if self._rest:
            yield from self._next(self._rest)

    def _all(self, lines: Sequence[bytes]) -> Iterator[Part]:
        for line in lines:
            yield from self._next(line)

    def _next(self, line: bytes) -> Iterator[Entry]:
        self._n += 1
        if len(line) > LONGEST_LINE:
            raise self._broken("is too long")
        try:
            text = line.decode("utf-8-sig" if self._n == 1 else "utf-8")
        except UnicodeDecodeError:
            raise self._broken("is not UTF-8 text") from None
        yield from self._read(text)

    def _read(self, text: str) -> Iterator[Entry]:
        raise NotImplementedError

    def _broken(self, why: str) -> BadInput:
        return BadInput(f"Line {self._n} {why}.")


class Ndjson(_Lines):
    """One JSON object in each line; empty lines count for nothing."""

    def __init__(self, kind: type[Struct] = Told) -> None:
        super().__init__()
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def _all(self, lines: Sequence[bytes]) -> Iterator[Part]:
        start = 0
        if not self._n and lines:  # before the first one may be a mark of the encoding
            yield from self._next(lines[0])
            start = 1
        for begin in range(start, len(lines), SLICE):
            some = lines[begin : begin + SLICE]
            told = self._plain(some)
            if told is None:
                yield from super()._all(some)
            else:
                n, self._n = self._n + 1, self._n + len(some)
                yield Run(n, told)

    def _plain(self, lines: Sequence[bytes]) -> list[Any] | None:
        """What the lines tell, read at once; None where each has to be looked at.

        A line that begins with a brace cannot go on with what the one before began, if that ends with a brace: so each has whole objects, and
        as many objects as lines are one in each.
        """
        if not all(line[:1] == b"{" and line[-1:] == b"}" and len(line) <= LONGEST_LINE for line in lines):
            return None
        body = b"\n".join(lines)
        try:
            body.decode()
            told = self._decoder.decode_lines(body)
        except (ValueError, RecursionError):
            return None
        return told if len(told) == len(lines) else None

    def _read(self, text: str) -> Iterator[Entry]:
        if text.strip():
            try:
                yield _entry(self._n, text.encode(), self._kind)
            except BadInput as error:
                raise self._broken(f"is no JSON: {error}") from None


class Csv(_Lines):
    """A table: the names of the columns in the first line that is no comment, then a row in each line.

    `read` makes what is told of a row's cells, by column. Raises BadInput where it does so for the columns.
    """

    def __init__(
        self,
        read: Callable[[dict[str, str]], Any],
        check: Callable[[Sequence[str]], None],
        delimiter: str = ",",
    ) -> None:
        super().__init__()
        self._read_row, self._check, self._delimiter = read, check, delimiter
        self._head: list[str] = []
        self._row = ""
        self._begun = 0

    def close(self) -> Iterator[Part]:
        """The last row."""
        yield from super().close()
        if self._row:
            raise BadInput(f"The quotation mark of line {self._begun} never ends.")
        if not self._head:
            raise BadInput("There is no line with the names of the columns.")

    def _read(self, text: str) -> Iterator[Entry]:
        if not self._row:
            self._begun = self._n
            if not text.strip() or (not self._head and text.startswith("#")):
                return
        self._row += text + "\n"
        if len(self._row) > LONGEST_LINE:
            raise BadInput(f"The row of line {self._begun} is too long.")
        if self._row.count('"') % 2 == 0:  # else a cell goes on in the next line
            row, self._row = self._row, ""
            yield from self._cells(row)

    def _cells(self, row: str) -> Iterator[Entry]:
        try:
            cells = next(
                csv.reader([row.removesuffix("\n").removesuffix("\r")], delimiter=self._delimiter, strict=True)
            )
        except (csv.Error, StopIteration) as error:
            raise self._broken(f"is no row of a table: {error}") from None
        if not self._head:
            self._head = [cell.strip() for cell in cells]
            self._check(self._head)
        elif len(cells) != len(self._head):
            raise self._broken(f"has {len(cells)} cells, but there are {len(self._head)} columns")
        else:
            yield self._told(dict(zip(self._head, cells, strict=True)))

    def _told(self, cells: dict[str, str]) -> Entry:
        try:
            return Entry(self._begun, self._read_row(cells))
        except (BadInput, ValueError) as error:
            return Entry(self._begun, fault=str(error))


def _entry(n: int, body: bytes, kind: type[Struct]) -> Entry:
    """Raises BadInput for what is no JSON."""
    try:
        try:
            return Entry(n, msgspec.json.decode(body, type=kind))
        except msgspec.ValidationError as error:
            msgspec.json.decode(body, type=msgspec.Raw)  # which looks no further than the first field that is wrong
            return Entry(n, fault=f"{str(error).rstrip('.')}.")
    except (ValueError, RecursionError) as error:
        raise BadInput(why_no_json(body, error)) from None


def why_no_json(body: bytes | bytearray, error: Exception) -> str:
    """What `error`, at which the decoder gave up, says of a body.

    Half a character just before the end it takes for a body that was cut; others it names itself.
    """
    text = body.rstrip() if str(error) == "Input data was truncated" else b""
    half = _HALF.search(text, max(0, len(text) - _LONGEST_END))
    if half is None or _is_escaped(text[: half.start()]):
        return str(error)
    return f"{half[1].decode()} at byte {half.start()} is half a character, without its other half"


def _is_escaped(before: bytes | bytearray) -> bool:
    """Whether a backslash behind this part of a text is one that stands for itself."""
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1
