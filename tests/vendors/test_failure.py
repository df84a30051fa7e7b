"""What our errors are to a client, and who asks."""

from __future__ import annotations

from typing import Any

import pytest

from margelle.errors import (
    BadInput,
    ConfigError,
    Conflict,
    Limited,
    Malformed,
    MargelleError,
    Misled,
    NotFound,
    Refused,
    StoreError,
    Unavailable,
    Unreachable,
)
from margelle.vendors.failure import OverQuota, answered, failure_of

EVERY: list[tuple[MargelleError, int, float | None]] = [
    (BadInput("x"), 400, None),
    (Conflict("x"), 400, None),
    (Refused("x"), 401, None),
    (NotFound("x"), 404, None),
    (OverQuota("x", retry_after_s=7), 429, 7),
    (Malformed("x"), 502, None),
    (Limited("x"), 503, 30),
    (Unavailable("x", retry_after_s=90), 503, 90),
    (Unreachable("x"), 503, 30),
    (Misled("x"), 503, 30),
    (ConfigError("x"), 503, 30),
    (MargelleError("x"), 503, 30),
]


@pytest.mark.parametrize(("error", "status", "wait_s"), EVERY, ids=lambda one: type(one).__name__)
def test_every_error_has_its_status_and_says_when_to_come_back_where_that_helps(
    error: MargelleError, status: int, wait_s: float | None
) -> None:
    assert failure_of(error) == (status, "x", wait_s)


def test_the_operators_troubles_are_not_the_clients_to_read() -> None:
    assert failure_of(StoreError("/var/lib/hub.sqlite is full")) == (503, "The store cannot answer now.", 30)


@pytest.mark.parametrize(
    ("body", "sent"), [({"a": 1}, b'{"a":1}'), ("é", '"é"'.encode()), (b"{ }", b"{ }"), (None, b"null")]
)
def test_a_body_is_sent_as_json_or_as_its_very_bytes(body: Any, sent: bytes) -> None:
    answer = answered(body, 429, wait_s=0.2, www_authenticate="Key")
    assert (answer.status_code, answer.body) == (429, sent)
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["www-authenticate"] == "Key"
    assert answer.headers["content-type"] == "application/json"
