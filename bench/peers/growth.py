"""Whether the same question about one probe takes longer where there is more around it."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Final

from bench.peers.stand import Stand, Work
from bench.peers.table import Line, figure, spread
from bench.peers.works import latest, month_of_days, stretches

SHARES: Final = (0.01, 0.1, 1)
"""Of all probes, so many are at each of the servers of a kind."""

_ASKED: Final = 8


def measured(stands: Mapping[int, Stand], rounds: int, seconds: float) -> list[list[str]]:
    """The table's cells: milliseconds for an answer of each server, by how many probes it has, asked in turn for what all of them have."""
    fewest = min(stands)
    some = [n % fewest for n in range(_ASKED)]
    works = (
        Work("newest values of 7 quantities", [latest(n) for n in some], 1),
        Work("a month of one series, each time another stretch", stretches(some), 1),
        Work("its days", [month_of_days(n) for n in some], 1),
    )
    told = [["work", "server", *(f"of {count}, ms" for count in stands), "most / fewest, by the clock", "by CPU"]]
    for work in works:
        for stand in stands.values():
            stand.agree([work])
        lines: dict[int, Line] = {count: stand.ask(work, 0, seconds) for count, stand in stands.items()}
        for _ in range(rounds):
            for count, stand in stands.items():
                for peer, figures in stand.ask(work, 1, seconds / 2).by_peer.items():
                    lines[count].by_peer[peer].values += [1000 / value for value in figures.values]
                    lines[count].by_peer[peer].cpu_us += figures.cpu_us
        told += [[work.name, peer, *_row(lines, peer)] for peer in stands[fewest].names]
    return told


def _row(lines: Mapping[int, Line], peer: str) -> list[str]:
    by_count = [line.by_peer[peer] for line in lines.values()]
    first, last = by_count[0], by_count[-1]
    ratios = (
        median(b / a for a, b in zip(one, other, strict=True))
        for one, other in ((first.values, last.values), (first.cpu_us, last.cpu_us))
    )
    return [*(spread(one.values) for one in by_count), *map(figure, ratios)]
