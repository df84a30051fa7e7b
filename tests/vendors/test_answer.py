from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from margelle.errors import Malformed
from margelle.ports import Fault
from margelle.vendors.answer import entries, entry, excerpt, few, said, value


class Thing(Struct):
    """Something of a cloud's."""

    id: int
    name: str | None = None
    size: float | None = None
    raw: Raw = Raw(b"null")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "size", "raw", "x"]), inner)
    ),
)


def test_what_is_right_is_read_without_a_fault() -> None:
    assert entries(b'[{"id":1,"name":"a"}]', Thing, "things") == ([Thing(1, "a")], [[]], [])
    assert entry(b'{"id":1}', Thing, "thing") == (Thing(1), [])


def test_a_wrong_field_is_named_and_costs_only_itself() -> None:
    found = entries(b'[{"id":1,"name":5,"size":2},{"id":2}]', Thing, "things")
    assert [(one.id, one.name, one.size) for one in found.read] == [(1, None, 2), (2, None, None)]
    assert [[fault.where for fault in faults] for faults in found.wrong] == [["things[0].name"], []]
    assert (found.lost, found.faults) == ([], found.wrong[0])


def test_an_entry_without_what_it_needs_is_lost_and_quoted() -> None:
    found = entries(b'[{"name":"a"},{"id":2}]', Thing, "things")
    assert [one.id for one in found.read] == [2]
    assert found.faults == found.lost
    assert [fault.where for fault in found.lost] == ["things[0]"]
    assert '{"name":"a"}' in found.lost[0].what


def test_an_object_without_what_it_needs_is_malformed() -> None:
    with pytest.raises(Malformed, match="thing"):
        entry(b'{"name":"a"}', Thing, "thing")


def test_the_text_of_a_raw_value_survives_another_fields_fault() -> None:
    (found,) = entries(b'[{"id":1,"name":5,"raw":7.20}]', Thing, "things").read
    assert bytes(found.raw) == b"7.20"


def test_a_byte_order_mark_is_no_harm() -> None:
    assert value(b"\xef\xbb\xbf[1]", list[int], "x") == [1]


@given(st.binary())
def test_no_bytes_crash_a_reader(body: bytes) -> None:
    for read in (lambda: entries(body, Thing, "x"), lambda: entry(body, Thing, "x"), lambda: value(body, str, "x")):
        try:
            read()
        except Malformed as error:
            assert len(str(error)) < 400
    assert len(said(body)) <= 120


@given(ANYTHING)
def test_any_json_is_things_faults_or_malformed(given_: Any) -> None:
    body = json.dumps(given_).encode()
    try:
        found = entries(body, Thing, "x")
    except Malformed:
        assert not isinstance(given_, list)
    else:
        assert len(found.read) + len(found.lost) == len(given_)
        assert len(found.wrong) == len(found.read)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error":{"message":"Cannot get user\\u0027s pools 1"}}', "Cannot get user's pools 1"),
        ('{"message":"Limit Exceeded"}', "Limit Exceeded"),
        ('{"error":"invalid_grant","error_description":"gone"}', "gone"),
        ('{"error":"invalid_grant"}', "invalid_grant"),
        ('{"error":{"kind":5}}', '{"error":{"kind":5}}'),
        ("<html><head><title>502\nBad  Gateway</title></head></html>", "502 Bad Gateway"),
        ("<p>Sorry,<br>closed</p>", "Sorry, closed"),
        ("", ""),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_the_words_of_an_error_are_found_wherever_they_stand(body: str, words: str) -> None:
    assert said(body.encode()) == words


def test_an_excerpt_holds_no_secret() -> None:
    assert "geheim" not in excerpt('{"access_token": "geheim"} Authorization: Bearer geheim')


def test_a_few_faults_are_told_and_the_others_counted() -> None:
    faults = [Fault("x", str(n)) for n in range(12)]
    assert few(faults[:10]) == tuple(faults[:10])
    assert few(faults) == (*faults[:10], Fault("x", "and 2 more faults"))
