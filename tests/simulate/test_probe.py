"""When a device measures, and what happens to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

from margelle.simulate.chance import stream
from margelle.simulate.pool import FAMILY
from margelle.simulate.probe import Schedule

SINCE, UNTIL = date(2026, 4, 1), date(2027, 4, 1)
START = datetime(2026, 4, 1, tzinfo=UTC).timestamp()
END = datetime(2027, 4, 1, tzinfo=UTC).timestamp()


def schedule() -> Schedule:
    return Schedule("s", FAMILY, SINCE, UNTIL)


def moments() -> list[float]:
    return list(schedule().moments(stream("s", "moments"), START, END))


def test_no_reading_falls_into_a_silence() -> None:
    plan = schedule()
    assert all(plan.silence(at) is None for at in moments())


def test_readings_follow_the_vendors_hour_but_after_restarts() -> None:
    gaps = [after - before for before, after in pairwise(moments())]
    assert sum(3605 <= gap <= 3700 for gap in gaps) > 0.9 * len(gaps)
    assert 30 < sum(600 <= gap <= 606 for gap in gaps) < 200


def test_no_two_readings_share_a_second_and_every_month_has_a_cleaning_whatever_the_seed() -> None:
    for seed in range(25):
        plan = Schedule(seed, FAMILY, SINCE, UNTIL)
        instants = list(plan.moments(stream(seed, "moments"), START, END))
        assert min(after - before for before, after in pairwise(instants)) > 50
        dry = [at for at in instants if plan.dry(at)]
        assert max(after - before for before, after in pairwise([START, *dry, END])) < 25 * 86400


def test_some_readings_are_lost() -> None:
    gaps = [after - before for before, after in pairwise(moments())]
    assert 10 < sum(7205 <= gap <= 7400 for gap in gaps) < 80


def test_two_plans_agree_on_the_days_they_share() -> None:
    wide, narrow = schedule(), Schedule("s", FAMILY, date(2026, 9, 1), date(2026, 10, 1))
    september = range(
        int(datetime(2026, 9, 1, tzinfo=UTC).timestamp()), int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()), 1800
    )
    for at in september:
        assert (wide.silence(at), wide.dry(at)) == (narrow.silence(at), narrow.dry(at))
        assert (wide.drift(at), wide.charged_days(at)) == (narrow.drift(at), narrow.charged_days(at))
        assert wide.restart(at, at + 1800) == narrow.restart(at, at + 1800)


def test_electrodes_drift_until_a_calibration_sets_them_right() -> None:
    plan = schedule()
    offsets = [plan.drift(START + day * 86400)[0] for day in range(365)]
    assert max(map(abs, offsets)) < 0.2
    steps = [abs(after - before) for before, after in pairwise(offsets)]
    assert 2 <= sum(step > 3 * sorted(steps)[180] for step in steps) <= 4


def test_an_electrode_that_was_dry_counts_the_time_since() -> None:
    plan = schedule()
    dry = next(stretch for at in range(int(START), int(END), 1800) if (stretch := plan.dry(at)))
    assert plan.dry_for_s(dry.end + 60) == 60
    assert plan.dry(dry.end + 1) is None
