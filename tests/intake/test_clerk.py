"""What was looked up once means the same as if each point had been looked at by itself."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Probe
from margelle.errors import BadInput
from margelle.intake.clerk import SLICE, Clerk
from margelle.intake.form import Entry, Json, Run
from margelle.intake.point import Arrival, Told, measurement_of, probe_named

PROBES = {name: Probe(f"{name}/probe", name, "own", name) for name in ("own:garden", "own:spa")}
KNOWN = {probe.id: probe for probe in PROBES.values()}
VALUES = ["7.2", "7.20", "-3", "0", "1e1", "1E0001", "1e999", "9" * 101, '"7.2"', '"1_0"', '""', "null", "true", "[7]"]
TOLD = st.builds(
    lambda probe, quantity, at, value, unit: {
        "probe": probe,
        "quantity": quantity,
        "at": at,
        "value": msgspec.Raw(value.encode()),
        **({"unit": unit} if unit is not None else {}),
    },
    st.sampled_from(["own:garden", "own:garden/probe", "own:spa", "own:nowhere"]),
    st.sampled_from(["temperature", " pH", "orp", "colour"]),
    st.sampled_from([1_784_032_200, 1_784_032_200.0, "1784032200", "2026-07-14T12:30:00Z", "2026-07-14T12:30", 7]),
    st.sampled_from(VALUES),
    st.sampled_from([None, "", "degF", "Cel", "mV", "furlong"]),
)


def alone(n: int, told: Told) -> Arrival:
    try:
        return Arrival(n, measurement_of(told.point(), probe_named(told.probe, KNOWN), CATALOGUE, "own/http"))
    except BadInput as error:
        return Arrival(n, fault=str(error))


def read(body: bytes) -> list[Arrival]:
    form, clerk = Json(), Clerk(KNOWN, CATALOGUE, "own/http")
    assert [*form.feed(body)] == []
    return [arrival for part in form.close() for some in clerk.arrivals(part) for arrival in some]


@given(st.lists(TOLD, min_size=1, max_size=30))
def test_every_point_becomes_what_it_would_be_alone(points: list[dict[str, object]]) -> None:
    body = msgspec.json.encode(points)
    told = msgspec.json.decode(body, type=list[Told])
    assert read(body) == [alone(n, one) for n, one in enumerate(told, 1)]


def test_entries_that_cannot_be_read_stand_between_those_that_can() -> None:
    good = b'{"probe":"own:spa","quantity":"ph","at":1784032200,"value":7.2}'
    found = read(b"[%b,{},%b]" % (good, good))
    assert [one.n for one in found] == [1, 2, 3]
    assert [bool(one.fault) for one in found] == [False, True, False]
    clerk = Clerk(KNOWN, CATALOGUE, "own/http")
    assert [*clerk.arrivals(Entry(7, fault="It is no object."))] == [[Arrival(7, fault="It is no object.")]]


def test_a_long_run_is_told_in_slices() -> None:
    told = Told("own:spa", "ph", 1_784_032_200, msgspec.Raw(b"7.2"))
    slices = [*Clerk(KNOWN, CATALOGUE, "own/http").arrivals(Run(5, [told] * (SLICE + 1)))]
    assert [len(some) for some in slices] == [SLICE, 1]
    assert [arrival.n for some in slices for arrival in some] == [*range(5, SLICE + 6)]
