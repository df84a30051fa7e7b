from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest

from margelle.cli import logs

SECRETS = {
    "a token in JSON": '{"access_token": "5ecre7"}',
    "a password in a form": "login=anna%40example.org&password=5ecre7&proceed=Authorize",
    "a code in a query": "GET /callback?code=5ecre7&state=1",
    "a bearer header": "Authorization: Bearer 5ecre7",
    "a password in a URL": "postgresql://margelle:5ecre7@db/pool",
}


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def written(form: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.set_up(level, form, stream)
    return stream


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "logger", ["margelle.net", "uvicorn.error", "uvicorn.access", "aiohttp.client", "somebody.else"]
)
@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_no_logger_writes_a_secret(form: str, logger: str, text: str) -> None:
    stream = written(form, "debug")
    logging.getLogger(logger).error("The cloud said %s", text)
    logging.getLogger(logger).error(text)
    assert stream.getvalue().count("\n") == 2
    assert "***" in stream.getvalue()
    assert "5ecre7" not in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_stack_trace_shows_no_secret(form: str, text: str) -> None:
    stream = written(form)
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("margelle").exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "5ecre7" not in stream.getvalue()


def test_uvicorns_own_handlers_are_taken_away() -> None:
    loud = io.StringIO()
    logging.getLogger("uvicorn.error").addHandler(logging.StreamHandler(loud))
    stream = written("text")
    logging.getLogger("uvicorn.error").warning("access_token=5ecre7")
    assert loud.getvalue() == ""
    assert "access_token=***" in stream.getvalue()


def test_a_line_break_from_outside_does_not_begin_another_record() -> None:
    stream = written("text")
    logging.getLogger("margelle").warning(
        "The cloud said %s", "hello\r\n2026-07-14T12:00:00Z INFO margelle: all is well"
    )
    assert stream.getvalue().count("\n") == 1


def test_json_is_one_object_a_line() -> None:
    stream = written("json")
    logging.getLogger("margelle.collect").warning("two\nlines and “quotes”")
    line = json.loads(stream.getvalue())
    assert line.keys() == {"at", "level", "logger", "message"}
    assert (line["level"], line["logger"]) == ("warning", "margelle.collect")


def test_requests_are_logged_only_when_asked_for() -> None:
    stream = written("text")
    logging.getLogger("margelle.access").info("GET /")
    assert stream.getvalue() == ""
    logs.set_up("debug", "text", stream)
    logging.getLogger("margelle.access").info("GET /")
    assert "GET /" in stream.getvalue()


def test_warnings_of_libraries_are_redacted_too() -> None:
    stream = written("text")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("password=5ecre7", stacklevel=1)
    assert "5ecre7" not in stream.getvalue()
