from __future__ import annotations

import re
from pathlib import Path

import pytest

from margelle.collect import failure
from margelle.domain.quantity import STANDARD
from margelle.mqtt import outage
from margelle.serve import pages
from margelle.serve.pages.words import AREAS, TEXTS, Words, chosen
from margelle.serve.pages.words.collection import TODO_FR
from margelle.serve.pages.words.water import LABELS, SHORT_LABELS, VENDOR_LABELS

HERE = Path(pages.__file__).parent


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "fr", "fr"),
        (None, "fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        (None, "en;q=0.5, fr;q=0.7", "fr"),
        (None, "de-DE,de;q=0.9,en;q=0.4,fr;q=0.3", "en"),
        (None, "de, *;q=0.1", "en"),
        (None, "fr;q=0", "en"),
        (None, "fr;q=many", "en"),
        (None, ",,;q=,", "en"),
        ("fr", "en", "fr"),
        ("en", "fr", "en"),
        ("<script>", "fr", "fr"),
    ],
)
def test_the_language_asked_for_by_name_wins_over_the_browsers_then_english(
    asked: str | None, accepted: str, language: str
) -> None:
    assert chosen(asked, accepted) == language


def test_both_languages_fill_the_same_blanks() -> None:
    for name, (english, french) in TEXTS.items():
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", french)), name


def test_every_quantity_has_a_label_in_both_languages() -> None:
    assert {quantity.name for quantity in STANDARD} == set(LABELS)


def test_what_only_a_vendor_tells_has_a_name_of_its_own_in_french() -> None:
    for quantity, (english, french) in VENDOR_LABELS.items():
        assert (Words("en").label(quantity), Words("fr").label(quantity)) == (english, french)
        assert english != french


def test_a_short_name_is_no_longer_than_the_full_one() -> None:
    for quantity, names in SHORT_LABELS.items():
        assert all(len(short) <= len(full) for short, full in zip(names, LABELS[quantity], strict=True)), quantity


def test_what_to_do_about_every_kind_of_incident_is_said_in_french() -> None:
    assert set(TODO_FR) == set(failure.TODO) | set(outage.TODO)
    assert Words("fr").todo("new", "Wait.") == "Wait."


def test_a_free_quantity_is_called_by_its_name() -> None:
    assert Words("fr").label("north_hall.redox") == "north hall · redox"


def test_french_counts_none_as_one_and_english_as_many() -> None:
    assert [Words("fr").count("times", n) for n in (0, 1, 2)] == ["une fois", "une fois", "2\u00a0fois"]
    assert [Words("en").count("times", n) for n in (0, 1, 2)] == ["0\u00a0times", "once", "2\u00a0times"]


def test_no_line_breaks_within_french_punctuation() -> None:
    text = Words("fr")("doubt.vendor", vendor="Ondilo", reason="baigneurs : trop")
    assert text == "écarté par Ondilo\u00a0: «\u00a0baigneurs : trop\u00a0»", "what a vendor says stays as it is"


def test_no_two_areas_have_a_text_of_the_same_name() -> None:
    assert len(TEXTS) == sum(len(area.TEXTS) for area in AREAS)


def test_every_module_of_words_is_an_area() -> None:
    modules = {path.stem for path in (HERE / "words").glob("*.py")} - {"__init__", "said"}
    assert {area.__name__.rpartition(".")[2] for area in AREAS} == modules


def test_every_text_is_said_somewhere() -> None:
    """By its name, or as one of a family: `t('nav.' ~ name)`, `words(f"kind.{site.kind}")`."""
    sources = [*HERE.glob("*.py"), *HERE.glob("templates/**/*.html")]
    said = "".join(path.read_text() for path in sources)
    families = set(re.findall(r"""["']([a-z_.]+\.)(?:\{|["'] ~)""", said))
    states = {"fresh", "stale", "silent", "never"}
    for name in TEXTS:
        stem = re.sub(r"\.(one|many)$", "", name)
        by_name = f'"{stem}"' in said or f"'{stem}'" in said
        of_a_family = any(stem.startswith(family) for family in families)
        assert by_name or of_a_family or stem in states, name
