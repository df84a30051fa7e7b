from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.cell import guarded, unguarded

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "-", "=", "--", "-nan-"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_compute_is_told_to_be_text(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "7.4", "-3.2", "+5", "-1e-3", "Bassin", "a=b", "l'eau", "'quoted'", " =1"])
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text
    assert unguarded(text) == text


@given(st.one_of(st.text(), st.text(alphabet="'=+-@1\t\n", max_size=8)))
def test_every_text_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
