"""What the pages say, in English and in French: a module for each area, put together here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Final, Literal

from msgspec import Struct

from margelle.domain.reason import Reason, sentence
from margelle.phrase import Phrase, Sentence
from margelle.serve.pages.words import (
    collection,
    connect,
    doing,
    event,
    faces,
    first,
    frame,
    installation,
    people,
    site,
    tags,
    water,
)
from margelle.serve.pages.words.collection import TODO_FR
from margelle.serve.pages.words.said import FRENCH
from margelle.serve.pages.words.water import LABELS, SHORT_LABELS, VENDOR_LABELS

Language = Literal["en", "fr"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "fr")

AREAS: Final = (frame, water, site, event, doing, people, collection, connect, tags, faces, installation, first)
"""Each has TEXTS by name: (English, French). A name that ends in .one and .many is chosen by its number; French counts 0 as one."""

TEXTS: Final[dict[str, tuple[str, str]]] = {name: text for area in AREAS for name, text in area.TEXTS.items()}

_NUMBERS: Final = frozenset({"amount", "value"})
"""What stands in a phrase as numbers with a decimal point."""
_POINT: Final = re.compile(r"(?<=[0-9])\.(?=[0-9])")


def chosen(asked: str | None, accepted: str) -> Language:
    """The language asked for by name, else the best that `accepted` (an Accept-Language header) admits, else English."""
    if asked in LANGUAGES:
        return asked
    best: tuple[float, Language] = (0.0, "en")
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and _weight(weight) > best[0]:
            best = _weight(weight), language
    return best[1]


@cache
def _typeset(text: str) -> str:
    """`spaced`, once for each text of ours."""
    return spaced(text)


def spaced(text: str) -> str:
    """`text` with the spaces that no line may break at: within French punctuation, and between a number and what it counts."""
    for breaking, kept in (
        (" :", "\u00a0:"),
        ("« ", "«\u00a0"),
        (" »", "\u00a0»"),
        (" ;", "\u202f;"),
        (" ?", "\u202f?"),
        ("{n} ", "{n}\u00a0"),
        ("il y a", "il\u00a0y\u00a0a"),
        ("7 ", "7\u00a0"),
        ("{low} to ", "{low}\u00a0to\u00a0"),
        ("{low} à ", "{low}\u00a0à\u00a0"),
    ):
        text = text.replace(breaking, kept)
    return text


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


class Saying(Struct, frozen=True):
    """A sentence to be shown. `lang` is its language where that is not the reader's."""

    text: str
    lang: str = ""


class Words:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._column = LANGUAGES.index(language)

    def __call__(self, name: str, **values: object) -> str:
        """The text called `name` with `values` put in; KeyError where there is none."""
        return _typeset(TEXTS[name][self._column]).format(**values)

    def count(self, name: str, n: int) -> str:
        """The text called `name` for `n` things."""
        one = n == 1 or (n == 0 and self.language == "fr")
        return self(f"{name}.{'one' if one else 'many'}", n=n)

    def todo(self, kind: str, english: str) -> str:
        """What to do about an incident of this kind."""
        return english if self.language == "en" else _typeset(TODO_FR.get(kind, english))

    def said(self, one: Sentence) -> Saying:
        """What others have said in English, in the reader's language as far as that is known."""
        if self.language == "en":
            return Saying(one.text)
        try:
            return Saying(self._french(one.phrase or Phrase(f"outcome.{one.text}")))
        except KeyError:  # another version's, or what nobody foresaw
            return Saying(one.text, "en")

    def _french(self, phrase: Phrase) -> str:
        """Raises KeyError for a phrase that is not known, or lacks what stands in it."""
        kind, _, name = phrase.name.partition(".")
        if kind == "quantity":
            return self.label(name)
        text = FRENCH[phrase.name] if phrase.name in FRENCH else TEXTS[phrase.name][self._column]
        values = {
            key: self._french(one) if isinstance(one, Phrase) else _POINT.sub(",", one) if key in _NUMBERS else one
            for key, one in phrase.values.items()
        }
        return _typeset(text).format(**values)

    def reasons(self, reasons: Sequence[Reason], when: Callable[[datetime], str]) -> str:
        """Why something is done, is missing or waits, with instants as `when` writes them."""
        said = sentence(tuple(reasons), self.language, when)
        return spaced(said) if self.language == "fr" else said

    def label(self, quantity: str, *, short: bool = False) -> str:
        """What a quantity is called, `short` where there is little room; an installation's own by its name."""
        known = (SHORT_LABELS.get(quantity) if short else None) or LABELS.get(quantity) or VENDOR_LABELS.get(quantity)
        if known:
            return known[self._column]
        words = quantity.replace("_", " ") if quantity.islower() else quantity  # capitals are a vendor's own name of it
        return words.replace(".", " · ")
