"""The promise: never more requests in any window than its rate allows, whatever stops, starts, or is wrong about the time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margelle.errors import BadInput, Limited, StoreError
from margelle.net import budget as budget_module
from margelle.net.budget import Budget, uptime_s
from margelle.ports import Rate, Spent
from tests.conftest import NOW

SECOND, HOUR = Rate(5, 1), Rate(30, 3600)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taken(budget: Budget, *seconds: float) -> int:
    """How many of the requests at these seconds were allowed."""
    return sum(budget.take(after(second)) == 0 for second in seconds)


def test_each_rate_holds() -> None:
    budget = Budget(None, "a", [SECOND, HOUR])
    assert taken(budget, *[0.1] * 10) == 5
    assert taken(budget, *range(1, 60)) == 25


def test_the_wait_is_exact() -> None:
    budget = Budget(None, "a", [Rate(2, 60)])
    assert [budget.take(after(second)) for second in (0, 10, 20)] == [0, 0, 40]
    assert budget.take(after(59.999_999)) == 0.000_001
    assert budget.take(after(60)) == 0
    assert budget.take(after(60)) == 10


def test_what_was_refused_is_not_counted() -> None:
    budget = Budget(None, "a", [Rate(1, 60)])
    assert taken(budget, *range(60)) == 1
    assert budget.take(after(60)) == 0


def test_what_remains_is_told_by_rate() -> None:
    budget = Budget(None, "a", [SECOND, HOUR])
    taken(budget, 0, 0, 0)
    assert budget.remaining(after(0)) == {SECOND: 2, HOUR: 27}
    assert budget.remaining(after(1)) == {SECOND: 5, HOUR: 27}
    assert budget.remaining(after(3600)) == {SECOND: 5, HOUR: 30}


def test_a_budget_without_rates_allows_everything() -> None:
    assert taken(Budget(None, "a", []), *[0] * 100) == 100


@pytest.mark.parametrize("rate", [Rate(0, 60), Rate(-1, 60), Rate(1, 0)])
def test_a_rate_that_allows_nothing_is_refused(rate: Rate) -> None:
    with pytest.raises(BadInput):
        Budget(None, "a", [rate])


def test_names_do_not_share(tmp_path: Path) -> None:
    one, two = (Budget(tmp_path / "budget.sqlite", name, [Rate(1, 60)]) for name in "ab")
    assert (one.take(NOW), two.take(NOW), one.take(NOW)) == (0, 0, 60)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    for minute in range(40):
        budget = Budget(tmp_path / "budget.sqlite", "a", [Rate(30, 3600)])
        assert (budget.take(after(60 * minute)) == 0) == (minute < 30)
        budget.close()


def test_many_accounts_keep_one_file_open_until_the_last_is_closed(tmp_path: Path) -> None:
    first, *others = [Budget(tmp_path / "budget", f"a{n}", [HOUR]) for n in range(20)]
    assert {budget._db for budget in others} == {first._db}
    assert [budget.take(NOW) for budget in others] == [0] * 19
    first.close()
    assert others[0].remaining(NOW) == {HOUR: 29}
    with pytest.raises(StoreError, match="closed"):
        first.take(NOW)
    for budget in others:
        budget.close()
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("budget", 0o600)]


def test_rates_may_change_at_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "budget.sqlite"
    assert taken(Budget(path, "a", [Rate(20, 3600)]), *range(60)) == 20
    assert taken(Budget(path, "a", [Rate(10, 3600)]), *range(60, 120)) == 0
    assert taken(Budget(path, "a", [Rate(25, 3600)]), *range(120, 180)) >= 5


def test_no_more_is_kept_than_counts(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget.sqlite", "a", [Rate(3, 1)])
    taken(budget, *range(20))
    [(kept,)] = budget._db.execute("SELECT count(*) FROM taken")
    assert kept == 3


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_a_clock_that_goes_back_costs_one_window_at_most() -> None:
    budget = Budget(None, "a", [HOUR])
    taken(budget, *range(30))
    assert budget.take(after(-86_400)) == 3600
    assert budget.take(after(-86_400 + 3600)) == 0


def test_a_clock_that_jumped_ahead_and_was_set_right_allows_no_more() -> None:
    budget = Budget(None, "a", [HOUR])
    taken(budget, *range(0, 7200, 240))
    assert taken(budget, *range(86_400, 86_430)) == 30
    assert taken(budget, *range(7_200, 7_300)) == 0


def test_a_jump_ahead_is_not_believed_where_the_machine_has_run_no_longer() -> None:
    up = [1000.0]
    budget = Budget(None, "a", [HOUR], uptime=lambda: up[0])
    assert taken(budget, *[0] * 30) == 30
    up[0] += 10
    assert budget.take(after(86_400)) == 3590
    up[0] += 3590
    assert budget.take(after(86_400)) == 0


def test_a_machine_that_was_started_anew_need_not_wait_for_what_the_clock_says_is_long_ago() -> None:
    up = [100_000.0]
    budget = Budget(None, "a", [HOUR], uptime=lambda: up[0])
    assert taken(budget, *[0] * 30) == 30
    up[0] = 20.0
    assert budget.remaining(after(3000)) == {HOUR: 0}
    assert budget.take(after(3000)) == 600
    up[0] += 600
    assert budget.take(after(3600)) == 0


def test_a_clock_that_went_back_shuts_nobody_out_where_the_uptime_is_known() -> None:
    up = [1000.0]
    budget = Budget(None, "a", [HOUR], uptime=lambda: up[0])
    assert taken(budget, *[0] * 30) == 30
    up[0] += 3600
    assert budget.take(after(-86_400)) == 0


def test_the_uptime_of_this_machine_goes_on() -> None:
    assert 0 < uptime_s() <= uptime_s()


@dataclass
class Machine:
    """A machine in true time (seconds), whose clock may be set and which may be started anew."""

    path: Path | None
    rates: Sequence[Rate]
    guarded: bool = False
    true_s: float = 0.0
    ahead_s: float = 0.0
    started_s: float = -100.0
    requests_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budget = self.opened()

    def opened(self) -> Budget:
        uptime = (lambda: self.true_s - self.started_s) if self.guarded else None
        made = Budget(self.path, "a", self.rates, uptime=uptime)
        made._db.pragma("synchronous", "off")  # no power cut here, and months are many requests
        return made

    def start_anew(self) -> None:
        self.started_s = self.true_s
        if self.path:
            self.budget.close()
            self.budget = self.opened()

    def of_another_process(self) -> Budget:
        """One more, over a connection of its own."""
        known = dict(budget_module._OPEN)
        budget_module._OPEN.clear()
        try:
            made = self.opened()
        finally:
            budget_module._OPEN.clear()
            budget_module._OPEN.update(known)
        assert made._db is not self.budget._db
        return made

    def ask(self, budget: Budget | None = None) -> float:
        wait_s = (budget or self.budget).take(after(self.true_s + self.ahead_s))
        if wait_s == 0:
            self.requests_s.append(self.true_s)
        return wait_s

    def most_in(self, rate: Rate) -> int:
        """The most requests in any window of true time; the steps are whole seconds, so sums are exact."""
        return max(
            (sum(start <= at < start + rate.seconds for at in self.requests_s) for start in self.requests_s), default=0
        )


RATES = st.lists(st.builds(Rate, st.integers(1, 12), st.sampled_from([1, 7, 60, 3600])), min_size=1, max_size=3)
STEP_S = st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 4000), st.integers(0, 400_000))
JUMP_S = st.one_of(
    st.just(0), st.just(0), st.integers(-10, 10), st.integers(-10_000, 10_000), st.integers(-(10**7), 10**7)
)


@given(rates=RATES, steps=st.lists(st.tuples(STEP_S, JUMP_S), min_size=1, max_size=120))
def test_no_window_is_exceeded_and_no_wait_is_longer_than_one_when_clocks_go_back(
    rates: list[Rate], steps: list[tuple[int, int]]
) -> None:
    machine = Machine(None, rates)
    for step_s, jump_s in steps:
        machine.true_s += step_s
        machine.ahead_s += min(jump_s, 0)
        assert machine.ask() <= max(rate.seconds for rate in rates)
    for rate in rates:
        assert machine.most_in(rate) <= rate.requests


@settings(max_examples=30)
@given(rates=RATES, steps=st.lists(st.tuples(STEP_S, JUMP_S, st.integers(0, 9)), min_size=1, max_size=60))
def test_no_window_is_exceeded_through_restarts_whichever_way_the_clock_jumps_where_the_uptime_is_known(
    rates: list[Rate], steps: list[tuple[int, int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "budget.sqlite", rates, guarded=True)
        for step_s, jump_s, dice in steps:
            machine.true_s += step_s
            machine.ahead_s += jump_s if dice else min(jump_s, 0)  # a board without a battery wakes up in the past
            if dice == 0:
                machine.start_anew()
            assert machine.ask() <= max(rate.seconds for rate in rates)
        machine.budget.close()
    for rate in rates:
        assert machine.most_in(rate) <= rate.requests


@given(rates=RATES, steps=st.lists(STEP_S, min_size=1, max_size=80))
def test_whoever_waits_as_long_as_told_is_let_in_and_not_before(rates: list[Rate], steps: list[int]) -> None:
    machine = Machine(None, rates)
    for step_s in steps:
        machine.true_s += step_s
        if wait_s := machine.ask():
            machine.true_s += wait_s - 0.001
            assert machine.ask() == pytest.approx(0.001)
            machine.true_s = round(machine.true_s + 0.001, 3)
            assert machine.ask() == 0


# --- what the cloud says ---------------------------------------------------------------------------------------------


def limited(seconds: float | None) -> Limited:
    return Limited("429", retry_after_s=seconds)


@pytest.mark.parametrize(
    ("named_s", "wait_s"), [(60, 60), (None, 900), (0, 0), (-5, 0), (1e12, 86_400), (float("inf"), 86_400)]
)
def test_the_cloud_is_left_alone_as_long_as_it_says(tmp_path: Path, named_s: float | None, wait_s: float) -> None:
    path = tmp_path / "budget.sqlite"
    Budget(path, "a", [HOUR]).learn(limited(named_s), NOW)
    budget = Budget(path, "a", [HOUR])
    assert budget.take(NOW) == wait_s
    assert budget.take(after(wait_s)) == 0


def test_during_a_pause_nothing_remains() -> None:
    budget = Budget(None, "a", [HOUR])
    budget.learn(limited(60), NOW)
    assert budget.remaining(NOW) == {HOUR: 0}
    assert budget.remaining(after(60)) == {HOUR: 30}


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    budget = Budget(None, "a", [HOUR])
    budget.learn(limited(600), NOW)
    budget.learn(limited(10), after(1))
    assert budget.take(after(1)) == 599


def test_a_clock_that_goes_back_does_not_lengthen_a_pause() -> None:
    budget = Budget(None, "a", [HOUR])
    budget.learn(limited(600), NOW)
    assert budget.take(after(-86_400)) == 600
    assert budget.take(after(-86_400 + 600)) == 0


# --- what it learns --------------------------------------------------------------------------------------------------


def test_what_was_asked_for_is_told_with_what_it_was_for() -> None:
    budget = Budget(None, "a", [SECOND, HOUR])
    assert [budget.take(after(second), act) for second, act in ((0, "latest"), (60, ""), (1800, "history"))] == [
        0,
        0,
        0,
    ]
    told = budget.spending(after(3610))
    assert told.spent == (Spent(after(60), ""), Spent(after(1800), "history"))
    assert (told.window_s, told.full, told.allowed, told.refused_at) == (3600, 30, 30, None)


def test_a_refusal_teaches_how_many_the_cloud_bears_and_each_day_without_one_tries_one_more(tmp_path: Path) -> None:
    path = tmp_path / "budget.sqlite"
    budget = Budget(path, "a", [SECOND, HOUR])
    taken(budget, *range(0, 2200, 100))
    budget.learn(limited(None), after(2200))
    budget.close()
    again = Budget(path, "a", [SECOND, HOUR])
    told = again.spending(after(2300))
    assert (told.allowed, told.refused_at, told.paused_until) == (21, after(2200), after(3100))
    days = [again.spending(after(2200 + 86_400 * day)).allowed for day in (0.9, 1, 2, 8.5, 9, 400)]
    assert days == [21, 22, 23, 29, 30, 30]


def test_a_pause_of_a_moment_says_nothing_of_the_hour() -> None:
    budget = Budget(None, "a", [SECOND, HOUR])
    taken(budget, 0, 10)
    budget.learn(limited(5), after(10))
    assert budget.spending(after(11)).allowed == 30


def test_refusals_in_a_row_are_one_lesson() -> None:
    budget = Budget(None, "a", [HOUR])
    taken(budget, *range(20))
    for n in range(1, 9):
        budget.learn(limited(900), after(1000 * n))
        assert budget.take(after(1000 * n + 901)) == 0
    assert budget.spending(after(9000)).allowed == 19


def test_a_clock_that_goes_back_lets_it_forget_nothing_sooner() -> None:
    budget = Budget(None, "a", [HOUR])
    taken(budget, *range(20))
    budget.learn(limited(None), after(20))
    assert budget.spending(after(-(10**7))).allowed == 19
    assert budget.spending(after(-(10**7) + 86_400)).allowed == 20


def test_a_file_of_before_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "budget.sqlite"
    old = apsw.Connection(str(path))
    old.execute(
        "CREATE TABLE taken(number INTEGER PRIMARY KEY, name TEXT NOT NULL, at_us INTEGER NOT NULL, uptime_us INTEGER)"
    )
    old.execute("INSERT INTO taken(name, at_us) VALUES ('a', ?)", (int(NOW.timestamp() * 1e6),))
    old.close()
    assert Budget(path, "a", [HOUR]).spending(after(5)).spent == (Spent(NOW),)


# --- months ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "guarded"), [(1, True), (2, True), (3, False)])
def test_in_three_months_with_restarts_jumps_of_the_clock_and_two_processes_no_window_is_exceeded(
    seed: int, guarded: bool
) -> None:
    """Bursts and pauses at random; the clock goes wrong every few days. Without the uptime it only goes back (see `Budget`)."""
    dice = Random(seed)
    rates = [Rate(2, 1), Rate(20, 3600)]
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "budget.sqlite", rates, guarded=guarded)
        other = machine.of_another_process()
        while machine.true_s < 90 * 86_400:
            machine.true_s += dice.choice([0, 1, 30, 200, 600, 4000, 9000])
            if dice.random() < 0.002:
                machine.ahead_s += dice.choice([-(10**6), -5000, -30, *([10, 4000, 10**6] if guarded else [])])
                machine.ask()  # a jump ahead that nobody saw before the machine was started anew is believed
            if dice.random() < 0.001:
                machine.start_anew()
            assert machine.ask(dice.choice([machine.budget, other])) <= 3600
        machine.budget.close()
        other.close()
    assert len(machine.requests_s) > 3000
    for rate in rates:
        latest = [
            later - at for at, later in zip(machine.requests_s, machine.requests_s[rate.requests :], strict=False)
        ]
        assert min(latest) >= rate.seconds


# --- processes -------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """SIGKILL."""


def killed(budget: Budget, now: datetime, statements: int) -> None:
    """Let its process die in the middle of a take: before its so many-th statement, or between the count and the request."""
    left = iter(range(statements))

    def trace(*_: object) -> bool:
        if next(left, None) is None:
            raise Killed
        return True

    budget._db.exec_trace = trace
    with suppress(Killed):
        budget.take(now)
    budget._db.close(True)  # as the kernel closes it: nothing is rolled back in good order


@settings(max_examples=40, deadline=None)
@given(
    rates=RATES,
    steps=st.lists(
        st.tuples(STEP_S, JUMP_S, st.integers(0, 9), st.integers(0, 2), st.integers(0, 12)), min_size=1, max_size=80
    ),
)
def test_no_window_is_exceeded_by_three_processes_that_are_killed_in_the_middle_of_a_take(
    rates: list[Rate], steps: list[tuple[int, int, int, int, int]]
) -> None:
    """For months, while the clock jumps both ways and the machine is started anew."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "budget.sqlite", rates, guarded=True)
        processes = [machine.of_another_process() for _ in range(3)]
        for step_s, jump_s, dice, who, statements in steps:
            machine.true_s += step_s
            machine.ahead_s += jump_s if dice else min(jump_s, 0)
            if dice == 0:
                machine.start_anew()
            if dice in {1, 2}:
                killed(processes[who], after(machine.true_s + machine.ahead_s), statements)
                processes[who] = machine.of_another_process()
            assert machine.ask(processes[who]) <= max(rate.seconds for rate in rates)
        for budget in [machine.budget, *processes]:
            budget.close()
    for rate in rates:
        assert machine.most_in(rate) <= rate.requests


PROGRAM = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from margelle.net.budget import Budget
from margelle.ports import Rate

path, start, count = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
budget = Budget(path, "a", [Rate(30, 3600)])
for second in range(count):
    if budget.take(start + timedelta(seconds=second / 100)) == 0:
        print("taken", flush=True)
"""


def process(path: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(path), NOW.isoformat(), str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_at_once_share_one_budget(tmp_path: Path) -> None:
    processes = [process(tmp_path / "budget.sqlite", 60) for _ in range(3)]
    for one in processes:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    for one in processes:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    said = "".join(one.communicate()[0] for one in processes)
    assert [one.returncode for one in processes] == [0, 0, 0]
    assert said.count("taken") == 30


def test_what_was_taken_survives_a_kill(tmp_path: Path) -> None:
    with process(tmp_path / "budget.sqlite", 1000) as one:
        assert one.stdin
        assert one.stdout
        one.stdin.write("go\n")
        one.stdin.flush()
        for line in one.stdout:
            if line == "taken\n":
                one.kill()
                break
        said = 1 + one.stdout.read().count("taken")
    assert Budget(tmp_path / "budget.sqlite", "a", [HOUR]).remaining(NOW)[HOUR] <= 30 - said


def test_processes_that_are_killed_and_started_again_share_one_budget(tmp_path: Path) -> None:
    dice, said = Random(7), 0
    for _ in range(3):
        processes = [process(tmp_path / "budget.sqlite", 1000) for _ in range(3)]
        for one in processes:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in processes:
            assert one.stdout
            for _ in range(dice.randint(1, 4)):
                said += one.stdout.readline() == "taken\n"
            one.kill()
            with one:
                said += one.stdout.read().count("taken")
    assert 9 <= said <= 30
    assert Budget(tmp_path / "budget.sqlite", "a", [HOUR]).remaining(NOW)[HOUR] <= 30 - said


# --- disks -----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "budget.sqlite"
    path.write_bytes(b"no database at all, but long enough to be taken for one " * 100)
    with pytest.raises(StoreError, match=r"budget\.sqlite"):
        Budget(path, "a", [HOUR])


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Budget(tmp_path / "nowhere" / "budget.sqlite", "a", [HOUR])


def test_a_full_disk_allows_no_request(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget.sqlite", "a", [Rate(100_000, 3600)])
    budget._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="full"):
        for _ in range(10_000):
            budget.take(NOW)
