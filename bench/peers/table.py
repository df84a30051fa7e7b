"""What was measured of several servers, as a table: medians with their spread, what each costs, ratios round by round, and whether an aim was reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct, field
from rich.console import Console
from rich.table import Table


class Aim(Struct, frozen=True):
    """`ours` is to be at least `ratio` times as good as the peer whose name begins so."""

    peer: str
    ratio: float = 1.0
    ours: str = "Margelle, SQLite"


class Figures(Struct):
    """Of one server, by round: the figure itself, and processor time (us) for each request or point. And the bytes of an answer."""

    values: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    size: float = 0

    def told(self) -> str:
        """In a cell."""
        parts = [spread(self.values)]
        if self.cpu_us:
            parts.append(f"{figure(median(self.cpu_us))} us")
        if self.size:
            parts.append(f"{self.size / 1000:,.1f} kB")
        return "; ".join(parts)


class Line(Struct):
    """One work by several servers."""

    work: str
    unit: str
    by_peer: dict[str, Figures]
    aims: tuple[Aim, ...] = ()
    better: str = "higher"

    def ratios(self, ours: str, peer: str) -> list[float]:
        """How many times as good ours is, round by round: the machine's drift cancels out."""
        pairs = zip(self.by_peer[ours].values, self.by_peer[peer].values, strict=True)
        return [(a / b if self.better == "higher" else b / a) for a, b in pairs]

    def judged(self) -> str:
        """The aims, and whether they are reached."""
        said = []
        for aim in self.aims:
            for peer in self.by_peer:
                if peer.startswith(aim.peer) and aim.ours in self.by_peer:
                    reached = median(self.ratios(aim.ours, peer)) >= aim.ratio
                    said.append(f"{_short(aim.ours)} {aim.ratio:g} × {aim.peer}: {'yes' if reached else 'no'}")
        return ", ".join(said)


class Sheet(Struct, frozen=True):
    """A table: its cells, the head first, and a sentence `below` it."""

    title: str
    cells: Sequence[Sequence[str]]
    below: str = ""


def figure(value: float) -> str:
    """With three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    """The median, and the lowest and highest."""
    if len(values) == 1:
        return figure(values[0])
    return f"{figure(median(values))} ({figure(min(values))}-{figure(max(values))})"


def rows(lines: Iterable[Line], names: Sequence[str], ours: Sequence[str]) -> list[list[str]]:
    """The table's cells, its head first. Each of `ours` is held against each of the others."""
    peers = [name for name in names if name not in ours]
    pairs = [(one, other) for one in ours for other in peers]
    told = [["work", "unit", *names, *(f"{_short(one)} / {_short(other)}" for one, other in pairs), "aim"]]
    for line in lines:
        ratios = [_ratio(line, one, other) for one, other in pairs]
        cells = [line.by_peer[name].told() if name in line.by_peer else "-" for name in names]
        told.append([line.work, line.unit, *cells, *ratios, line.judged()])
    return told


def _ratio(line: Line, ours: str, peer: str) -> str:
    if ours not in line.by_peer or peer not in line.by_peer:
        return "-"
    return f"{median(line.ratios(ours, peer)):.2f}"


def _short(name: str) -> str:
    return name.removeprefix("Margelle, ").split(" ")[0]


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """As a page of docs has it."""
    head, *body = ("| " + " | ".join(row) + " |" for row in cells)
    return "\n".join([head, "|---" * len(cells[0]) + "|", *body])


def show(told: Sheet) -> None:
    """On the terminal."""
    table = Table(*told.cells[0], title=told.title, title_justify="left", show_lines=True, caption=told.below)
    for row in told.cells[1:]:
        table.add_row(*row)
    Console(width=200).print(table)
