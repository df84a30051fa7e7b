"""A text becomes an expression, within limits: the parser, which is written in Rust, has none of its own, and panics where it is lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import promql_parser
from promql_parser import AtModifier, Expr

from margelle.serve.prometheus.answer import bad

LONGEST: Final = 4000
"""Characters of an expression: the parser has no other limit to its depth."""

MOST_PARTS: Final = 300
"""Operators and brackets of an expression. The parser's time grows with their square, and nobody else is served meanwhile."""

_TOLD_APART: Final = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|#[^\n]*')
"""Texts and comments, in which nothing is an operator."""
_PART: Final = re.compile(r"[-+*/%^(]|[<>=!]=?|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def parsed(text: str) -> Expr:
    """The expression that `text` is. Raises Unanswerable."""
    if len(text) > LONGEST:
        raise bad(f'invalid parameter "query": it is longer than {LONGEST} characters')
    if sum(1 for _ in _PART.finditer(_TOLD_APART.sub("", text))) > MOST_PARTS:
        raise bad(f'invalid parameter "query": it has more than {MOST_PARTS} operators and brackets')
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise bad(f'invalid parameter "query": parse error: {error}') from error
    except BaseException as error:
        _demand_panic(error)
        raise bad('invalid parameter "query": parse error: a number is too large') from error


def instant_ms(modifier: AtModifier) -> int:
    """The instant after an `@`, in milliseconds. Raises Unanswerable."""
    try:
        return ((modifier.at or _EPOCH) - _EPOCH) // _MILLISECOND
    except BaseException as error:
        if not isinstance(error, ValueError | OverflowError):
            _demand_panic(error)
        raise bad("the instant after @ is beyond all calendars") from error


def _demand_panic(error: BaseException) -> None:
    """Raises `error` unless the parser, which is written in Rust, panicked."""
    if type(error).__name__ != "PanicException":
        raise error


def ms(span: timedelta) -> int:
    """A span in whole milliseconds."""
    return span // _MILLISECOND
