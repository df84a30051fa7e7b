"""Why something is done, in the reader's language."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from margelle.collect import backfill, progress
from margelle.domain import gap
from margelle.domain.reason import SENTENCES, Reason, held, sentence, told

AT = datetime(2026, 7, 1, 9, 17, tzinfo=UTC)


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_says_the_same_things_in_both_languages(name: str) -> None:
    english, french = (set(re.findall(r"\{\w+\}", text)) for text in SENTENCES[name])
    assert english == french
    assert SENTENCES[name][0] != SENTENCES[name][1]


def test_an_instant_is_written_as_the_reader_wants_it() -> None:
    reason = Reason("rhythm", 60, AT)
    assert reason.text() == "The probe measures every 60 minutes; its newest reading is of 2026-07-01 09:17 UTC."
    assert "mesure : 11 h 17." in reason.text("fr", lambda at: f"{at.hour + 2} h {at.minute}")


def test_several_reasons_stand_one_after_another() -> None:
    assert sentence((Reason("new"), Reason("failed", 2))).endswith("is not known yet. It failed 2 times in a row.")


@pytest.mark.parametrize("name", [name for name, (english, _) in SENTENCES.items() if "{at}" not in english])
def test_a_kept_sentence_is_read_back(name: str) -> None:
    reason = Reason(name, 30 if "{n}" in SENTENCES[name][0] else 0)
    assert told(reason.text()) == reason


def test_what_is_no_sentence_of_ours_is_nobodys_reason() -> None:
    assert told("The dog ate it.") is None


def test_whatever_the_collector_says_of_a_gap_is_known_here() -> None:
    for text in (*backfill._WHY.values(), progress._OPEN, progress._ELSEWHERE, gap._CAME):
        assert told(text) is not None


def test_an_account_waits_for_something_that_has_a_sentence() -> None:
    assert held("sign-in").text() == "The account waits: its owner has to sign in again."
    assert held("something new").text("fr") == "Le compte attend : son service est en panne."
