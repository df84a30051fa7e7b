"""What was done at a site, in words."""

from __future__ import annotations

import math

from margelle.domain.event import Event
from margelle.serve.pages.figures import number, with_unit
from margelle.serve.pages.words import Words


def told(words: Words, event: Event) -> str:
    """An event in a few words: `pH minus, 300 g`, `Backwash`."""
    what = words(f"product.{event.product}") if event.kind == "dose" and event.product else words(f"event.{event.kind}")
    return what if event.amount is None else f"{what}, {_amount(words, event.amount, event.unit)}"


def _amount(words: Words, amount: float, unit: str | None) -> str:
    digits = next((n for n in range(3) if math.isclose(round(amount, n), amount)), 3)
    text = number(amount, digits, words.language)
    if unit == "tablet":
        one = amount == 1 or (amount < 2 and words.language == "fr")
        return words("amount.a_tablet" if one else "amount.tablets", n=text)
    return with_unit(text, "m³" if unit == "m3" else unit or "")
