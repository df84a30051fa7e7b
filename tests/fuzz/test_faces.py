"""Whatever comes, every path of every face answers as its vendor would: never an error of its own, never at length, and without a trace.

`make fuzz` does the same for minutes; `MARGELLE_FUZZ_EXAMPLES` says how many requests are made of each path, and `MARGELLE_FUZZ_TOLD` where the count
of what was told is written to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from margelle.vendors import VENDORS
from tests.fuzz.faces import ELSEWHERE, Faces, Request, paths_of
from tests.fuzz.shapes import judge
from tests.fuzz.strategies import lost, routed

EXAMPLES = int(os.environ.get("MARGELLE_FUZZ_EXAMPLES", "50"))
thoroughly = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@cache
def faces() -> Faces:
    """One hub for all requests."""
    return Faces()


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    """Writes down what was tried, for who wants to know."""
    yield
    if file := os.environ.get("MARGELLE_FUZZ_TOLD"):
        rows = [[*key, count] for key, count in faces().told.items()]
        Path(file).write_text(json.dumps(rows), encoding="utf-8")


ROUTES = [(vendor, path) for vendor in VENDORS for path in (*paths_of(vendor), ELSEWHERE)]


@pytest.mark.parametrize(("vendor", "route"), ROUTES)
@pytest.mark.timeout(0)
@thoroughly
@given(data=st.data())
def test_any_request_is_answered_in_its_vendors_shape_and_leaves_nothing(
    vendor: str, route: str, data: st.DataObject
) -> None:
    request = data.draw(lost(faces(), vendor) if route == ELSEWHERE else routed(faces(), vendor, route))
    answer = faces().ask(request)
    judge(request, answer, faces().store.written)


def test_there_are_paths_of_every_vendor() -> None:
    assert {vendor for vendor, path in ROUTES if path != ELSEWHERE} == set(VENDORS)
    assert len(ROUTES) > 20


@pytest.mark.parametrize("body", [b'{"a":' * 10_000, b'{"a":"\xff"}', b"[" * 60_000])
@pytest.mark.parametrize(
    ("vendor", "route"),
    [("ondilo", "/oauth2/token"), ("ondilo", "/oauth2/authorize"), ("flipr", "/OAuth2/token"), ("baxo", "/k1")],
)
def test_json_beyond_all_reason_is_refused(vendor: str, route: str, body: bytes) -> None:
    request = Request(vendor, route, "POST", f"/{vendor}{route}", b"", (), (body,))
    answer = faces().ask(request)
    assert answer.status == 400
    judge(request, answer, faces().store.written)
