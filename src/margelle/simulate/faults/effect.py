"""Effects, each made by a small function. They know JSON, bytes and HTTP, and no vendor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from margelle.simulate.faults.fault import Answer, Effect

JSON: Final = "application/json"
Change = Callable[[Any], Any]


def answer(status: int, said: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """A whole answer in JSON. Its apostrophes are escaped, as some clouds do."""
    body = json.dumps(said, separators=(",", ":")).replace("'", "\\u0027").encode()
    return Answer(status, (("content-type", JSON), *(headers or {}).items()), body)


def page(status: int, title: str) -> Answer:
    """A page where JSON was asked for, as a proxy in front of a cloud sends it."""
    body = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1></center></body>\r\n</html>\r\n"
    return Answer(status, (("content-type", "text/html"),), body.encode())


def always(told: Answer) -> Effect:
    """The same answer to everything; the cloud is not asked."""
    return Effect(instead=lambda _: told)


def nothing() -> Effect:
    """Status 200, and no body."""
    return always(Answer(200, (("content-type", JSON),), b""))


def slow(pause_s: float) -> Effect:
    """The right answer, late."""
    return Effect(pause_s=pause_s)


def cut() -> Effect:
    """The right answer's headers and the first half of its body; then the connection is closed."""
    return Effect(cut=True)


def restarted() -> Effect:
    """The right answer, of devices that have just been restarted."""
    return Effect(restart=True)


def changed(change: Change) -> Effect:
    """The right answer with its JSON changed. Errors, and what is no JSON, stay as they are."""
    return Effect(then=lambda _, told: rewritten(told, change))


def rewritten(told: Answer, change: Change) -> Answer:
    """`told` with its JSON changed, if it is a success in JSON; the very same where nothing changes."""
    if told.status != 200 or not told.body:
        return told
    try:
        said = json.loads(told.body)
    except ValueError:
        return told
    new = change(said)
    if new == said:
        return told
    return Answer(told.status, told.headers, json.dumps(new, ensure_ascii=False, separators=(",", ":")).encode())


# --- changes of JSON ---------------------------------------------------------------------------------------------------


def lists(change: Callable[[list[Any]], list[Any]]) -> Change:
    """Change each list of objects, however deep; the innermost first."""

    def through(said: Any) -> Any:
        if isinstance(said, dict):
            return {key: through(value) for key, value in said.items()}
        if isinstance(said, list):
            inner = [through(one) for one in said]
            return change(inner) if any(isinstance(one, dict) for one in inner) else inner
        return said

    return through


def doubled(rows: list[Any]) -> list[Any]:
    """Each row twice, the second time after all the others, as pages do that overlap."""
    return [*rows, *rows]


def shuffled(rows: list[Any]) -> list[Any]:
    """Another order, the same each time: the odd places backwards, then the even ones."""
    return [*rows[1::2][::-1], *rows[::2]]


def values(names: tuple[str, ...], change: Callable[[Any], Any]) -> Change:
    """Change the value of each key of these names, however deep."""

    def through(said: Any) -> Any:
        if isinstance(said, dict):
            return {key: change(value) if key in names else through(value) for key, value in said.items()}
        return [through(one) for one in said] if isinstance(said, list) else said

    return through


def renamed(old: str, new: str) -> Change:
    """Another name for a key, however deep."""

    def through(said: Any) -> Any:
        if isinstance(said, dict):
            return {new if key == old else key: through(value) for key, value in said.items()}
        return [through(one) for one in said] if isinstance(said, list) else said

    return through


def without(*names: str) -> Change:
    """An object without some of its keys."""
    return lambda said: {key: value for key, value in said.items() if key not in names} if _is_object(said) else said


def with_value(name: str, value: Any) -> Change:
    """An object with another value for one key."""
    return lambda said: {**said, name: value} if _is_object(said) else said


def level_only(said: Any) -> Any:
    """A measure that is a word: `Level` in place of `Value`."""
    if not (_is_object(said) and isinstance(said.get("Value"), (int, float))):
        return said
    level = "Low" if said["Value"] < 1000 else "Medium" if said["Value"] < 3000 else "High"
    return {**without("Value")(said), "Level": level}


def all_null(said: Any) -> Any:
    """An object whose numbers are all null."""
    numbers = (int, float)
    return {key: None if isinstance(value, numbers) else value for key, value in said.items()}


def naive(text: Any) -> Any:
    """A time as `2024-01-01 01:00:00`: in UTC, without saying so."""
    at = _time(text)
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else text


def zoned(text: Any) -> Any:
    """A time as `2024-01-01T01:00:00+0000`."""
    at = _time(text)
    return f"{at:%Y-%m-%dT%H:%M:%S}+0000" if at else text


def ahead(by: timedelta) -> Callable[[Any], Any]:
    """A time, or a count of seconds, of a clock that is ahead; written as it was."""

    def shifted(said: Any) -> Any:
        if isinstance(said, int):
            return said + int(by.total_seconds())
        at = _time(said)
        return (at + by).strftime("%Y-%m-%dT%H:%M:%S").replace("T", said[10]) + said[19:] if at else said

    return shifted


def _time(text: Any) -> datetime | None:
    """The date and time of day that a text begins with."""
    try:
        return datetime.fromisoformat(text[:19])
    except (TypeError, ValueError):
        return None


def _is_object(said: Any) -> bool:
    return isinstance(said, dict)
