"""Logging: one handler, whose formatter masks secrets in everything that anybody logs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

from margelle.cli.plain import plain
from margelle.redaction import redact

_LOUD: Final = ("aiohttp.access", "margelle.access", "uvicorn", "uvicorn.access", "uvicorn.error")
"""One line for each request, start and stop: only when debugging."""
_ECHOING: Final = ("psycopg.pool",)
"""Loggers that warn of what the store itself tells better."""


class TextLines(logging.Formatter):
    """`2026-07-14T12:30:00Z INFO margelle.collect: what happened`; one line, and a stack trace below it where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, without secrets."""
        trace = _trace(self, record)
        return f"{_instant(record)} {record.levelname} {record.name}: {_said(record)}" + (f"\n{trace}" if trace else "")


class JsonLines(logging.Formatter):
    """The record as one JSON object: at, level, logger, message, and trace where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, without secrets."""
        line = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _said(record),
        }
        if trace := _trace(self, record):
            line["trace"] = trace
        return msgspec.json.encode(line).decode()


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send every logger's records from `level` on to `stream` (standard error), as `text` or `json`, through one redacting handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _hand_over(logging.getLogger(name) for name in _LOUD)
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    for name in _ECHOING:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.ERROR)
    logging.captureWarnings(capture=True)


def _hand_over(loggers: Iterable[logging.Logger]) -> None:
    for logger in loggers:
        logger.handlers.clear()
        logger.propagate = True


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _said(record: logging.LogRecord) -> str:
    # A line break that came from outside must not look like a record of its own.
    return plain(redact(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n"))


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    traces = [formatter.formatException(record.exc_info)] if record.exc_info else []
    if record.stack_info:
        traces.append(formatter.formatStack(record.stack_info))
    return redact("\n".join(traces))
