from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.errors import BadInput
from margelle.intake import form as forms
from margelle.intake import table
from margelle.intake.form import LONGEST_LINE, Entry, Form, Json, Ndjson, entries
from margelle.intake.point import Point, Told

A = b'{"probe":"own:garden","quantity":"ph","at":"2026-07-14T12:30:00Z","value":7.40}'
B = b'{"probe":"own:garden","quantity":"orp","at":1784032200,"value":"650","unit":"mV"}'
CSV = b"at,probe,quantity,value,unit\n2026-07-14T12:30:00Z,own:garden,ph,7.40,\n1784032200,own:garden,orp,650,mV\n"
POINTS = [
    Point("own:garden", "ph", "2026-07-14T12:30:00Z", "7.40"),
    Point("own:garden", "orp", "1784032200", "650", "mV"),
]


def read(form: Form, *chunks: bytes) -> list[Entry]:
    return [*entries(part for chunk in chunks for part in form.feed(chunk)), *entries(form.close())]


def points(read: list[Entry]) -> list[Point]:
    return [entry.told.point() if isinstance(entry.told, Told) else entry.told for entry in read]


@pytest.mark.parametrize(
    ("form", "body"),
    [(Json, b"[%b,%b]" % (A, B)), (Ndjson, A + b"\n\n" + B), (table.points, CSV)],
    ids=["json", "ndjson", "csv"],
)
@given(data=st.data())
def test_the_points_are_the_same_however_the_body_is_cut_into_pieces(
    form: type[Form], body: bytes, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert points(read(form(), *pieces)) == POINTS


def test_one_object_is_one_point() -> None:
    assert points(read(Json(), A)) == POINTS[:1]


@pytest.mark.parametrize("cut", [1, 40, len(A) - 1])
@pytest.mark.parametrize(("form", "body"), [(Json, b"[" + A), (Ndjson, B + b"\n" + A)])
def test_a_body_that_was_cut_is_broken(form: type[Form], body: bytes, cut: int) -> None:
    with pytest.raises(BadInput, match="JSON"):
        read(form(), body[: len(body) - cut])


def test_a_row_that_was_cut_is_broken() -> None:
    with pytest.raises(BadInput, match="Line 3 has 2 cells, but there are 5 columns"):
        read(table.points(), CSV[:-14])
    with pytest.raises(BadInput, match="quotation mark of line 2 never ends"):
        read(table.points(), b'at,probe,quantity,value\n1,"own:garden,ph,7\n')


def test_an_entry_of_another_shape_is_refused_by_itself() -> None:
    entries = read(Ndjson(), A + b'\n{"probe":"own:garden"}\n' + A.replace(b"probe", b"prode") + b"\n[]\n")
    assert [entry.n for entry in entries if entry.fault] == [2, 3, 4]
    assert "missing required field" in entries[1].fault
    assert "`prode`" in entries[2].fault


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"at,probe,quantity", "lacks 'value'"),
        (b"at,probe,quantity,value,units", "has 'units'"),
        (b"at,at,probe,quantity,value", "a column twice"),
        (b"", "no line with the names of the columns"),
    ],
)
def test_a_table_with_other_columns_is_refused(head: bytes, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(table.points(), head + b"\n")
    assert said in str(caught.value)


def test_a_cell_may_hold_line_breaks_quotes_and_commas_and_lines_are_counted() -> None:
    body = b'# a comment\nat,probe,quantity,value\n1,"a\nb","c""d,",7\r\n2,p,q,8\n'
    first, second = read(table.points(), body)
    assert (first.n, first.told) == (3, Point("a\nb", 'c"d,', "1", "7"))
    assert second.n == 5


@pytest.mark.parametrize("form", [Ndjson, table.points])
def test_a_line_without_end_is_not_collected(form: type[Form]) -> None:
    with pytest.raises(BadInput, match="too long"):
        read(form(), *[b"x" * 4096] * (LONGEST_LINE // 4096 + 2))


@pytest.mark.parametrize("form", [Json, Ndjson, table.points])
def test_bytes_that_are_no_text_break_the_body(form: type[Form]) -> None:
    with pytest.raises(BadInput):
        read(form(), b'{"probe":"\xff\xfe"}\n')


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_break_the_body(body: bytes) -> None:
    for form in (Json(), Ndjson(), table.points()):
        try:
            read(form, body)
        except BadInput as error:
            assert str(error)


def test_a_line_that_was_cut_is_broken_though_it_was_wrong_before() -> None:
    with pytest.raises(BadInput, match="Line 2 is no JSON"):
        read(Ndjson(), A + b'\n{"probe":5,"quantity":')


@pytest.mark.parametrize(
    ("text", "half"),
    [
        (rb'"\ud800"', rb"\ud800 at byte 10"),
        (rb'"\uD800a"', rb"\uD800 at byte 10"),
        (rb'"\ud83d\ude00\ud83d\n"', rb"\ud83d at byte 22"),
        (rb'"\\\ud83d" ' + b"\n", rb"\ud83d at byte 12"),
    ],
)
@pytest.mark.parametrize("form", [Json, Ndjson])
def test_half_a_character_is_not_told_as_a_body_that_was_cut(form: type[Form], text: bytes, half: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        read(form(), b'{"probe":' + text.rstrip() + b"}" + text[len(text.rstrip()) :])
    assert f"is no JSON: {half.decode()} is half a character, without its other half" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (rb'[{"probe":"\ud83d\ude00\ud83d\u0041"}]', "invalid utf-16 surrogate pair"),
        (rb'[{"probe":"\uDC00","quantity":"ph"}]', "invalid utf-16 surrogate pair"),
        (rb'{"probe":"\ud83d and what goes on"}', "unexpected end of hex escape"),
        (rb'[{"probe":"a"},{"probe":"\ud83d\ude00",}]', "trailing comma"),
        (rb'[{"probe":1,}, "\ud83d"]', "trailing comma"),
    ],
)
def test_what_the_decoder_can_name_is_told_as_it_does(body: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(Json(), body)


def test_of_a_long_body_only_the_end_is_searched_for_half_a_character(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Pattern:
        def search(self, text: bytes, start: int) -> None:
            looked.append(len(text) - start)

    monkeypatch.setattr(forms, "_HALF", Pattern())
    with pytest.raises(BadInput, match="truncated"):
        read(Json(), b'["' + rb"\n" * 10_000)
    assert looked == [11]


@pytest.mark.parametrize(
    "text",
    [rb'{"probe":"\ud83d', rb'{"probe":"\ud83d\ude', rb'{"probe":"\\ud800"', rb'{"probe":"\\\\ud800"'],
)
def test_what_was_cut_within_a_character_was_cut(text: bytes) -> None:
    with pytest.raises(BadInput, match="truncated"):
        read(Json(), text)


def test_deep_nesting_breaks_the_body_and_not_the_hub() -> None:
    with pytest.raises(BadInput):
        read(Json(), b"[" * 100_000)
    with pytest.raises(BadInput):
        read(Ndjson(), b"[" * 60_000)
