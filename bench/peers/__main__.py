"""`python -m bench.peers`: the whole comparison, printed; with `--page FILE` also put into a page of Markdown, in the place of what was measured before."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.peers import growth, influx, table, victoria, works
from bench.peers.fleet import (
    EXACT,
    HOURLY,
    HOURS,
    MINUTELY,
    batches,
    hour_by_hour,
    hourly,
    minutely,
    name,
    smooth,
    value_by_value,
)
from bench.peers.hub import Database, Elsewhere, Hub, Postgres, Sqlite
from bench.peers.influx import Influx
from bench.peers.peer import GENERATOR, SERVERS, Peer
from bench.peers.stand import Stand
from bench.peers.table import Aim, Figures, Line, Sheet
from bench.peers.victoria import Victoria

BATCH: Final = 10_000
BATCHES: Final = f"batches of {BATCH:,}"
DATABASE: Final = "MARGELLE_BENCH_DATABASE"
"""The environment variable with the URL of a third, empty database for the hub, such as that of a Citus cluster."""

MEASURED: Final = "<!-- what follows is written by make bench-peers PAGE=docs/performance.md -->"
SENT: Final = 20
"""Batches that are sent over HTTP."""
EACH: Final = 20_000
"""Readings that are sent one by one, between questions."""


class Options(argparse.Namespace):
    """What the command line says."""

    probes: int
    days: int
    rounds: int
    seconds: float
    page: Path | None
    without: list[str]


def main() -> None:
    """Measure and print."""
    options = _options()
    for module in (influx, victoria):
        if module.program() is None:
            print(module.MISSING)
    with tempfile.TemporaryDirectory(prefix="margelle-peers-") as folder:
        found = measured(Path(folder), options)
    page = [_how()]
    for one in found:
        table.show(one)
        page += [f"### {one.title}", table.markdown(one.cells), *([one.below] if one.below else [])]
    if options.page:
        before = options.page.read_text() if options.page.exists() else ""
        options.page.write_text("\n\n".join([before.partition(MEASURED)[0] + MEASURED, *page]) + "\n")


def _how() -> str:
    """When, where and with what it was measured."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[2]
    command = " ".join(["python -m bench.peers", *sys.argv[1:]])
    where = f"{cores} cores ({platform.machine()}), Linux {platform.release()}, Python {platform.python_version()}"
    return f"Taken on {datetime.now(UTC):%Y-%m-%d} with `{command}` on {where}; the load of the last quarter of an hour was {load:.1f}."


def measured(folder: Path, options: Options) -> list[Sheet]:
    """All tables."""
    sizes = sorted({max(1, round(options.probes * share)) for share in growth.SHARES})
    with ExitStack() as stack:
        stands = {count: stack.enter_context(_stand(folder / str(count), count, options)) for count in sizes}
        for count in sizes[:-1]:
            _fill(stands[count], count)
        stand = stands[options.probes]
        lines = [*_filled(stand, options)]
        lines.insert(1, _cheaper(folder / "cheaper", options))
        everything = works.all_of(options.probes, options.days)
        stand.agree(everything)
        lines += [stand.ask(work, options.rounds, options.seconds) for work in everything]
        lines.append(stand.ask_anew(works.anew(options.probes), max(1, options.rounds // 2)))
        lines += stand.memory()
        grown = growth.measured(stands, options.rounds, options.seconds)
        lines[2:2] = _sent(stand, options.probes)
        lines.insert(-2, _after_each(stand, options))
        names, ours = stand.names, [peer.name for peer in stand.peers if isinstance(peer, Hub)]
        promises = [["server", "what it has acknowledged"], *([peer.name, peer.promise] for peer in stand.peers)]
        title = f"{options.probes} probes × 7 quantities × {HOURS} h = {options.probes * 7 * HOURS:,} points; servers on core {SERVERS}, generator on core {GENERATOR}"
        return [
            Sheet(title, table.rows(lines, names, ours), works.generator(folder)),
            Sheet("Growth: one client, by how many probes there are", grown),
            Sheet("What is promised", promises),
        ]


@contextmanager
def _stand(folder: Path, probes: int, options: Options) -> Iterator[Stand]:
    """All peers that are here, empty and running."""
    folder.mkdir()
    with ExitStack() as stack:
        hubs = [*_hubs(folder, options, all_probes=probes == options.probes)]
        for hub in hubs:
            stack.callback(hub.close)
            hub.furnish([*(name(n) for n in range(probes)), HOURLY, MINUTELY, EXACT])
        peers: list[Peer] = [*hubs, *_others(folder, options.without)]
        for peer in peers:
            stack.callback(peer.stop)
            peer.start()
        yield Stand(peers, folder)


def _hubs(folder: Path, options: Options, *, all_probes: bool) -> Iterator[Hub]:
    yield Hub(Sqlite(folder / "sqlite"), folder / "sqlite")
    if "postgres" not in options.without:
        yield Hub(Postgres(folder / "postgres"), folder / "postgres")
    if (url := os.environ.get(DATABASE, "")) and all_probes:
        yield Hub(Elsewhere(url), folder / "given")


def _others(folder: Path, without: Sequence[str]) -> Iterator[Peer]:
    if "influx" not in without and (influxd := influx.program()):
        yield Influx(influxd, folder / "influx")
    if "victoria" not in without and (command := victoria.program()):
        yield Victoria(command, folder / "victoria")


def _cheaper(folder: Path, options: Options) -> Line:
    """How fast the hub would take the same if it acknowledged before anything is on disk. It has no such mode."""
    folder.mkdir()
    with ExitStack() as stack:
        databases: list[Database] = [Sqlite(folder / "sqlite")]
        if "postgres" not in options.without:
            databases.append(Postgres(folder / "postgres"))
        hubs = [Hub(one, folder / one.title, cheaper=True) for one in databases]
        for hub in hubs:
            stack.callback(hub.close)
            hub.furnish([name(n) for n in range(options.probes)])
        given = [*batches(hour_by_hour(options.probes, 0, HOURS), BATCH)]
        return Stand(hubs, folder).take("the same, with synchronous=NORMAL and synchronous_commit=off", given)


def _fill(stand: Stand, probes: int) -> None:
    stand.take("", [*batches(hour_by_hour(probes, 0, HOURS), BATCH)])
    stand.settle()


def _filled(stand: Stand, options: Options) -> Iterator[Line]:
    """Give everything, and tell how fast it was taken and how much room it has then."""
    stand.settle()
    parts = {
        "the fleet, with noise and doubts": hour_by_hour(options.probes, 0, HOURS),
        "smooth and regular": smooth(options.probes),
        "one series by the minute": minutely(options.days),
    }
    before, rooms = stand.sizes(), list[Line]()
    for title, water in parts.items():
        given = [*batches(water, BATCH)]
        taken = stand.take(f"ingest at the store, {BATCHES}, a reading in each line", given, (Aim("InfluxDB", 2),))
        if not rooms:
            yield taken
        stand.settle()
        after = stand.sizes()
        points = sum(len(one.values) for batch in given for one in batch)
        rooms.append(_room(title, before, after, points))
        before = after
    stand.take("", [*batches(hourly(options.days), BATCH)])
    stand.settle()
    yield from rooms
    yield stand.exact()


def _sent(stand: Stand, probes: int) -> Iterator[Line]:
    """Send what the fleet measures next, and tell how fast it was taken: in readings, which spares the others six lines of seven, and value by value, as it is sent to a hub."""
    sent = [*batches(hour_by_hour(probes, HOURS, _sent_until(probes)), BATCH)]
    singly = [value_by_value(batch) for batch in sent[SENT : 3 * SENT]]
    yield stand.send(f"ingest over HTTP, {BATCHES}, a reading in each line", sent[:SENT], (Aim("InfluxDB"),))
    yield stand.send(f"ingest over HTTP, {BATCHES}, a value in each line", singly[:SENT], (Aim("InfluxDB"),))
    yield stand.take(f"ingest at the store, {BATCHES}, a value in each line", singly[SENT:], (Aim("InfluxDB", 2),))


def _sent_until(probes: int) -> int:
    """Before which hour all is that is sent in batches."""
    return HOURS + 1 + 3 * SENT * BATCH // probes // 7


def _after_each(stand: Stand, options: Options) -> Line:
    """Ask for the newest values while what the fleet measures after all that comes reading by reading."""
    first, rounds = _sent_until(options.probes), max(1, options.rounds // 2)
    told = [*hour_by_hour(options.probes, first, first + 1 + EACH // options.probes)][:EACH]
    stand.settle()  # of what came before nothing is still to be done
    return stand.ask_after_each(works.after_each(options.probes), told, rounds, options.seconds)


def _room(title: str, before: dict[str, int], after: dict[str, int], points: int) -> Line:
    by_peer = {peer: Figures([(after[peer] - before[peer]) / points]) for peer in after}
    aims = (Aim("VictoriaMetrics"), Aim("VictoriaMetrics", 0.5, "Margelle, PostgreSQL"))
    return Line(f"room on disk: {title}", "bytes/point", by_peer, aims, better="lower")


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--probes", type=int, default=100, help="1000 for 5 million points; default 100")
    parser.add_argument("--days", type=int, default=365, help="of the single series; default 365")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    parser.add_argument(
        "--without", action="append", choices=("postgres", "influx", "victoria"), default=[], help="leave it out"
    )
    parser.add_argument("--page", type=Path, help="put the tables at the end of this page as well")
    return parser.parse_args(namespace=Options())


if __name__ == "__main__":
    main()
