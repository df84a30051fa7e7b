"""What a cloud seems to allow: fewer at once, more again slowly."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from margelle.net.limit import RECOVERY, Learned, allowed, lowered
from tests.conftest import NOW

FULL = st.integers(1, 200)


@given(FULL, FULL, st.integers(0, 300))
def test_a_refusal_never_raises_the_limit_and_never_takes_more_than_half_of_it_or_leaves_less_than_a_quarter_of_all(
    full: int, before: int, made: int
) -> None:
    before = min(max(before, full // 4), full)
    after = lowered(full, before, made)
    assert max(before // 2, full // 4, 1) <= after <= before


@given(FULL, st.integers(1, 200), st.integers(-100, 10_000))
def test_it_recovers_by_one_a_day_and_not_beyond_what_we_allow_ourselves(full: int, borne: int, hours: int) -> None:
    learned = Learned(min(borne, full), NOW)
    now = NOW + timedelta(hours=hours)
    told = allowed(full, learned, now)
    assert learned.requests <= told <= full
    assert allowed(full, learned, now + RECOVERY) - told in {0, 1}
    assert allowed(full, learned, NOW + full * RECOVERY) == full
    assert allowed(full, None, now) == full


@given(st.integers(5, 40), st.integers(0, 40))
def test_against_a_real_limit_it_settles_where_it_is_refused_about_once_a_day(full: int, real: int) -> None:
    """A cloud that bears `real` requests an hour, asked all that is allowed for sixty days."""
    real = min(max(real, full // 4, 1), full)
    learned, refusals = None, []
    for hour in range(60 * 24):
        now = NOW + timedelta(hours=hour)
        most = allowed(full, learned, now)
        if most > real:
            refusals.append(hour)
            learned = Learned(lowered(full, most, real + 1), now)
    assert allowed(full, learned, NOW + timedelta(days=60)) >= real
    assert len([hour for hour in refusals if hour >= 48]) <= 60


def test_a_limit_that_is_a_lot_lower_is_found_in_a_few_refusals() -> None:
    assert lowered(120, 120, 31) == 60
    assert lowered(120, 60, 31) == 30
    assert lowered(20, 20, 16) == 15
