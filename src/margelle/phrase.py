"""What a sentence says, beside its English: a name under which others have it in their language, and what stands in it."""

from __future__ import annotations

from msgspec import Struct


class Phrase(Struct, frozen=True, omit_defaults=True):
    """One sentence, known by its `name`. `values` are what stands in it: texts as they are (also what a cloud has said), or other phrases.

    Whoever does not know the name shows the English sentence beside it.
    """

    name: str
    values: dict[str, str | Phrase] = {}


class Sentence(Struct, frozen=True, omit_defaults=True):
    """An English sentence, and what it says, where that has a name."""

    text: str
    phrase: Phrase | None = None
