"""The parts of the comparison, and a small one with whatever servers are here."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest
from bench.load import run
from bench.peers import fleet, influx, victoria, works
from bench.peers.fleet import HOURS, SINCE, Told
from bench.peers.hub import Hub, Sqlite
from bench.peers.influx import Influx
from bench.peers.peer import Peer, in_lines
from bench.peers.question import Question, differences
from bench.peers.stand import Stand, Work
from bench.peers.table import Aim, Figures, Line, markdown, rows
from bench.peers.victoria import Victoria

DAYS = Question("days", "own:1/probe", "ph", SINCE, SINCE + 2 * 86_400)
OURS, PEER = "Margelle, SQLite", "InfluxDB 1.6.7"


def test_the_same_water_is_made_in_every_run() -> None:
    first, again = (list(fleet.hour_by_hour(3, 0, 5)) for _ in range(2))
    assert first == again
    assert {one.probe for one in first} == {fleet.name(n) for n in range(3)}
    assert list(fleet.minutely(1)) == list(fleet.minutely(1))


def test_probes_tell_in_order_and_some_of_it_is_doubtful_but_not_the_newest() -> None:
    told = list(fleet.hour_by_hour(2, 0, HOURS))
    times = [one.at_s for one in told if one.probe == fleet.name(1)]
    assert times == sorted(set(times))
    assert any(one.doubtful for one in told)
    assert not any(one.doubtful for one in told[-2:])


def test_batches_have_every_point_once() -> None:
    told = list(fleet.hour_by_hour(5, 0, 9))
    batches = list(fleet.batches(told, 100))
    assert [one for batch in batches for one in batch] == told
    assert max(map(fleet.count, batches)) <= 100
    assert sum(map(fleet.count, batches)) == 5 * 9 * 7


def test_a_reading_is_one_line_and_what_is_doubtful_another() -> None:
    told = Told("own:1/probe", SINCE, {"ph": 7.1, "orp": 650.0}, ("orp",))
    assert in_lines([told]).decode().split("\n") == [
        f"water,probe=own:1/probe ph=7.1 {SINCE}",
        f"water,probe=own:1/probe,doubt=vendor orp=650.0 {SINCE}",
    ]


def test_influx_days_without_values_are_left_out() -> None:
    values = [[SINCE, 3, 7.0, 7.4, 7.2, 7.2], [SINCE + 86_400, 0, None, None, None, None]]
    body = json.dumps({"results": [{"series": [{"values": values}]}]}).encode()
    assert Influx.answer(Influx.__new__(Influx), DAYS, body) == [(SINCE, 3, 7.0, 7.4, 7.2, 7.2)]


def test_victoria_tells_a_day_at_its_end() -> None:
    figures = {"count": "3", "min": "7", "max": "7.4", "avg": "7.2", "median": "7.2"}
    found = [
        {"metric": {"rollup": f"{name}_over_time"}, "values": [[SINCE + 86_400, value]]}
        for name, value in figures.items()
    ]
    body = json.dumps({"data": {"result": found}}).encode()
    assert Victoria.answer(Victoria.__new__(Victoria), DAYS, body) == [(SINCE, 3.0, 7.0, 7.4, 7.2, 7.2)]


@pytest.mark.parametrize(
    ("peers", "said"),
    [
        ([("ph", 7.2), ("orp", 650.0)], ""),
        ([("ph", 7.2)], "2 rows against 1"),
        ([("ph", 7.2), ("orp", 650.5)], "('orp', 650.0) against ('orp', 650.5)"),
        ([("ph", 7.2), ("tds", 650.0)], "('orp', 650.0) against ('tds', 650.0)"),
    ],
)
def test_answers_that_differ_are_told_where(peers: list[tuple[str, float]], said: str) -> None:
    assert differences([("ph", 7.2), ("orp", 650.0)], [*peers]) == said


def test_the_table_has_medians_spreads_ratios_and_aims() -> None:
    line = Line(
        "newest values",
        "answers/s",
        {OURS: Figures([900, 1000, 1100], [50.0, 60.0, 40.0], 1500), PEER: Figures([100, 500, 110])},
        (Aim("InfluxDB", 9), Aim("InfluxDB", 10), Aim("VictoriaMetrics", 1)),
    )
    head, cells = rows([line], [OURS, PEER], [OURS])
    assert head == ["work", "unit", OURS, PEER, "SQLite / InfluxDB", "aim"]
    assert cells[2] == "1,000 (900-1,100); 50 us; 1.5 kB"
    assert cells[4] == "9.00"
    assert cells[5] == "SQLite 9 × InfluxDB: yes, SQLite 10 × InfluxDB: no"
    assert markdown([head, cells]).count("\n") == 2


def test_no_stretch_is_asked_for_twice() -> None:
    for questions in (works.stretches([0, 1, 2]), works.stretches_of_days(fleet.HOURLY, 365)):
        assert len(set(questions)) == len(questions) == 1024
    assert len(set(works.stretches_of_days(fleet.HOURLY, 9))) == 4


def test_less_is_better_where_it_is_said() -> None:
    line = Line("room", "bytes/point", {OURS: Figures([2.0]), PEER: Figures([8.0])}, better="lower")
    assert line.ratios(OURS, PEER) == [4.0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_the_load_generator_reads_whole_answers_however_they_are_cut(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asked: list[bytes] = []

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while got := connection.recv(1000):
                    asked.append(got)
                    for n in range(0, len(answer), 7):
                        connection.sendall(answer[n : n + 7])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = run("127.0.0.1", listening.getsockname()[1], 1, 0, [b"one", b"two", b"three"])
        thread.join(10)
    assert asked == [b"one", b"two", b"three"]
    assert done["requests"] == 3


def servers(folder: Path) -> list[Peer]:
    """The hub, and what is installed here."""
    hub = Hub(Sqlite(folder / "sqlite"), folder / "sqlite")
    hub.furnish([*(fleet.name(n) for n in range(2)), fleet.EXACT, fleet.MINUTELY])
    found: list[Peer] = [hub]
    if program := influx.program():
        found.append(Influx(program, folder / "influx"))
    if program := victoria.program():
        found.append(Victoria(program, folder / "victoria"))
    return found


def test_a_small_comparison_runs_and_all_say_the_same(tmp_path: Path) -> None:
    peers = servers(tmp_path)
    stand = Stand(peers, tmp_path)
    try:
        for peer in peers:
            peer.start()
        taken = stand.take("taken", [*fleet.batches(fleet.hour_by_hour(2, 0, HOURS), 5_000)])
        stand.settle()
        asked = [
            Work("latest", [works.latest(n) for n in range(2)], 2),
            Work("month", [works.month(n) for n in range(2)], 2),
            Work("days", [works.month_of_days(1)], 1),
            Work("stretches", works.stretches([0, 1])[::100], 2),
        ]
        stand.agree(asked)
        lines = [taken, *(stand.ask(work, 1, 0.05) for work in asked), stand.exact(), *stand.memory()]
        sent = [*fleet.batches(fleet.hour_by_hour(2, HOURS, HOURS + 5), 50)]
        lines.append(stand.send("sent", sent))
        told = [*fleet.hour_by_hour(2, HOURS + 5, HOURS + 25)]
        lines.append(stand.ask_after_each(works.after_each(2), told, 1, 0.05))
    finally:
        for peer in peers:
            peer.stop()
        assert isinstance(peers[0], Hub)
        peers[0].close()
    cells = rows(lines, stand.names, [OURS])
    assert len(cells) == 1 + len(lines)
    assert all(len(row) == len(cells[0]) for row in cells)
    for line in lines:
        assert all(value > 0 for value in line.by_peer[OURS].values), line.work
    assert lines[5].by_peer[OURS].values == [1000]
