"""A disk that loses power: what a database in SQLite would find afterwards, at any moment of its work.

A file system may write what it was given in any order and by halves, until it is told to sync. So of each file that is known which is certainly on the
disk, and what was written since. A cut at some moment keeps of the latter what the dice say: some writes, some not, some of their sectors.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import apsw
from msgspec import Struct, field

SECTOR: Final = 512
NAME: Final = "powercut"


class Contents(Struct):
    """A file: what is on the disk for certain, and what was done since, in order: bytes written at an offset, or cut to a length."""

    synced: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        self.since.append((offset, data))

    def truncate(self, size: int) -> None:
        self.since.append((size, None))

    def sync(self) -> None:
        for offset, data in self.since:
            _apply(self.synced, offset, data)
        self.since.clear()

    def cut(self, dice: random.Random) -> bytes:
        """What is there after a cut: of what was not synced all, nothing, or any part in any order that was not told."""
        there, keep = bytearray(self.synced), dice.choice((0.0, 0.5, 0.9, 1.0))
        for offset, data in self.since:
            if data is None:
                if dice.random() < keep:
                    _apply(there, offset, None)
                continue
            for first in range(0, len(data), SECTOR):
                if dice.random() < keep:
                    _apply(there, offset + first, data[first : first + SECTOR])
        return bytes(there)


def _apply(there: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del there[offset:]
        return
    there.extend(bytes(max(offset - len(there), 0)))  # a hole is read as zeros
    there[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """SQLite's usual files, watched: `moment` is called before each write and each sync."""

    def __init__(self, moment: Callable[[Disk], None]) -> None:
        self.files: dict[str, Contents] = {}
        self._moment = moment
        super().__init__(NAME, "unix", makedefault=True)

    def moment(self) -> None:
        """Something is about to be done."""
        self._moment(self)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's names
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.moment()
        self.files.pop(filename, None)
        super().xDelete(filename, syncdir)

    def after_a_cut(self, folder: Path, dice: random.Random) -> Path:
        """Write into `folder` what would be there; where the database is. The shared index of the log is memory, and gone."""
        for name, contents in self.files.items():
            (folder / Path(name).name).write_bytes(contents.cut(dice))
        return folder / Path(next(iter(self.files))).name


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        if path and path not in disk.files:
            there = Path(path).read_bytes() if Path(path).exists() else b""
            disk.files[path] = Contents(bytearray(there))
        self._contents = disk.files.get(path) or Contents()
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.moment()
        super().xWrite(data, offset)
        self._contents.write(offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.moment()
        super().xTruncate(size)
        self._contents.truncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.moment()
        super().xSync(flags)
        self._contents.sync()
