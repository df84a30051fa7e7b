"""How a measurement is printed: ours, the peer's, and their ratio."""

from __future__ import annotations

from statistics import median

from msgspec import Struct
from rich.console import Console
from rich.table import Table


class Line(Struct):
    """One comparison. `better` says which way is good: a higher or a lower ratio of ours to the peer's."""

    work: str
    unit: str
    ours: list[float]
    peers: list[float]
    peer: str
    better: str = "higher"

    def ratio(self) -> tuple[float, float, float]:
        """The median, lowest and highest of the ratios, round by round: the machine's drift cancels out."""
        ratios = [a / b for a, b in zip(self.ours, self.peers, strict=True)]
        return median(ratios), min(ratios), max(ratios)


def show(title: str, lines: list[Line]) -> None:
    """Print a table of comparisons."""
    table = Table("work", "ours", "peer", "unit", "ours / peer", "better", "peer is", title=title, title_justify="left")
    for line in lines:
        middle, low, high = line.ratio()
        table.add_row(
            line.work,
            f"{median(line.ours):,.4g}",
            f"{median(line.peers):,.4g}",
            line.unit,
            f"{middle:.2f}  ({low:.2f} to {high:.2f})",
            line.better,
            line.peer,
        )
    Console(width=150).print(table)
