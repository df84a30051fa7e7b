"""What the simulated cloud recommends to the owner of one pool, in the owner's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from margelle.domain.site import Recommendation
from margelle.simulate.roster import Place
from margelle.simulate.rules import RULES, Means, Rule

COUNTED_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""The day from which the numbers of recommendations count."""

COOL: Final = 10.0
"""Degrees Celsius below which a pool sleeps and is recommended everything half as often."""


class Adviser:
    """Recommends for one pool by `RULES`.

    A recommendation waits while its rule holds. One that was done, or was over, comes again after the rule's days if the rule holds then;
    one that still waits after these days is replaced by a new one.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._language = "fr" if place.owner.language.lower().startswith("fr") else "en"

    def waiting(self, known: Sequence[Recommendation], means: Means, at: datetime) -> list[Recommendation]:
        """What waits to be done from `at` (aware, UTC) on, given all that was ever recommended for the site and the last day's means."""
        found = (self._of_rule(digit, known, means, at) for digit in range(len(RULES)))
        return [recommendation for recommendation in found if recommendation is not None]

    def _of_rule(
        self, digit: int, known: Sequence[Recommendation], means: Means, at: datetime
    ) -> Recommendation | None:
        own = [recommendation for recommendation in known if int(recommendation.key) % 10 == digit]
        last = max(own, key=lambda recommendation: recommendation.created_at, default=None)
        still = last if last is not None and last.status == "waiting" else None
        holds = RULES[digit].holds(self._place.pool, means)
        if holds is None:
            return still
        if not holds:
            return None
        if self._day_for(RULES[digit], at) and (
            last is None or at - last.updated_at >= self._again(RULES[digit], means)
        ):
            return self._new(digit, means, at)
        return still

    def _day_for(self, rule: Rule, at: datetime) -> bool:
        return bool(rule.quantity) or at.weekday() == self._place.pool.habits.maintenance_day

    def _again(self, rule: Rule, means: Means) -> timedelta:
        asleep = self._place.pool.kind == "pool" and means.get("temperature", COOL) < COOL
        return timedelta(days=rule.again_days * (2 if asleep else 1))

    def _new(self, digit: int, means: Means, at: datetime) -> Recommendation:
        rule, site, pool = RULES[digit], self._place.site, self._place.pool
        key = str((at - COUNTED_FROM).days * 1000 + self._place.position * 10 + digit)
        title, message = rule.texts[self._language]
        value = means.get(rule.quantity, 0.0)
        message = message.format(value=value, limit=rule.limit(pool) or 0.0, hours=value / 2)
        deadline = datetime.combine(at.date() + timedelta(days=rule.deadline_days), time(), UTC)
        return Recommendation(
            f"{site.id}/recommendation/{key}", site.id, key, title, message, at, at, deadline=deadline
        )
