"""What is asked of all, how often, and what ours is to reach."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Final

from bench.peers.fleet import HOURLY, HOURS, MINUTELY, SINCE, minutely, name
from bench.peers.peer import GENERATOR, SERVERS, get, on_core
from bench.peers.question import Question
from bench.peers.stand import Work
from bench.peers.table import Aim, figure
from bench.process import free_port, load, server
from bench.water import QUANTITIES

_TURN: Final = 64
"""So many different questions are asked in turn."""

_PAGE: Final = 10_000
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_SHIFTS: Final = 32
"""By so many hours or days a stretch begins later or ends earlier: the square of it are different, far more than a server keeps answers of that size."""


def latest(number: int) -> Question:
    """The newest values of a probe of the fleet."""
    return Question("latest", name(number), until_s=SINCE + HOURS * 3600)


def month(number: int, quantity: str = "ph") -> Question:
    """A month of one series of it."""
    return Question("range", name(number), quantity, SINCE, SINCE + HOURS * 3600, HOURS)


def month_of_days(number: int) -> Question:
    """The days of that."""
    return Question("days", name(number), "ph", SINCE, SINCE + HOURS // 24 * _DAY_S)


def stretches(numbers: Sequence[int]) -> list[Question]:
    """Most of that month, of one of these probes after the other, and never the same twice."""
    return [
        Question(
            "range", name(numbers[n % len(numbers)]), "ph", SINCE + late * _HOUR_S, SINCE + (HOURS - early) * _HOUR_S
        )
        for n, (late, early) in enumerate(product(range(_SHIFTS), repeat=2))
    ]


def stretches_of_days(probe: str, days: int) -> list[Question]:
    """Most of so many days likewise."""
    shifts = range(min(_SHIFTS, days // 4))
    return [
        Question("days", probe, "ph", SINCE + late * _DAY_S, SINCE + (days - early) * _DAY_S)
        for late, early in product(shifts, repeat=2)
    ]


def all_of(probes: int, days: int) -> list[Work]:
    """Everything, of servers that have been asked before."""
    some = [n % probes for n in range(_TURN)]
    kept = Question("days", MINUTELY, "ph", SINCE, SINCE + days * _DAY_S, kept=True)
    whole, faster = Aim("VictoriaMetrics"), Aim("VictoriaMetrics", 20)
    return [
        Work("newest values of 7 quantities", [latest(n) for n in some], aims=(Aim("VictoriaMetrics", 3),)),
        Work(f"{HOURS} points of one series", [month(n) for n in some], 8, (whole,)),
        Work(f"{HOURS - 2 * (_SHIFTS - 1)}-{HOURS} points, each time others", stretches(some), 8, (whole,)),
        Work("a page of 10 000 points", _pages(days), 4, (Aim("InfluxDB", 5),)),
        Work(
            f"{_about(days)} days of an hourly series, with median, each time others",
            stretches_of_days(HOURLY, days),
            4,
            (whole,),
        ),
        Work(
            f"{_about(days)} days of a series by the minute, each time others",
            stretches_of_days(MINUTELY, days),
            1,
            (faster,),
        ),
        Work(f"{days} days of it, where a server keeps its answers", [kept], 1),
    ]


def _about(days: int) -> str:
    return f"{days - 2 * (min(_SHIFTS, days // 4) - 1)}-{days}"


def after_each(probes: int) -> Work:
    """The newest values once more, by one client that has something stored before it asks again."""
    return Work("newest values, something stored after each answer", [latest(n % probes) for n in range(_TURN)], 1)


def anew(probes: int) -> Work:
    """Each series once, of a server that has just been started."""
    questions = [month(n, quantity) for n in range(min(probes, 100)) for quantity in QUANTITIES]
    return Work(f"{HOURS} points of one series, each for the first time", questions, 1, (Aim("VictoriaMetrics"),))


def _pages(days: int) -> list[Question]:
    """Stretches with just so many points, here and there in the series by the minute."""
    times = [one.at_s for one in minutely(days)]
    starts = range(0, len(times) - _PAGE, max(1, (len(times) - _PAGE) // 7))
    return [Question("range", MINUTELY, "ph", times[n], times[n + _PAGE], _PAGE) for n in starts]


def generator(folder: Path) -> str:
    """How much the load generator itself can ask: of a server that does not look at what it is asked."""
    told = []
    for size in (2_000, 80_000, 150_000):
        body, port = folder / "body", free_port()
        body.write_bytes(b" " * size)
        with on_core(SERVERS), server([sys.executable, "-m", "bench.still", str(port), str(body)], port, "/"):
            done = load(port, [get("/")], folder, seconds=1, core=GENERATOR)
        told.append(f"{figure(done['requests'] / done['seconds'])} of {size // 1000} kB")
    return f"The load generator itself can take {', '.join(told)} in a second, of a server that does not look at what it is asked."
