"""Which topic tells what, as the installation's settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from margelle.domain.quantity import Catalogue
from margelle.domain.unit import convert, unit_named
from margelle.errors import BadInput, ConfigError
from margelle.intake.form import why_no_json
from margelle.intake.point import Point

HINT: Final = 'Write "pool/ph" = "own:garden-pool ph", or "own:garden-pool temperature degF sensor.water" for a part of a JSON object.'

LONGEST: Final = 64 << 10
"""Bytes of a message."""

TIMES: Final = ("at", "time", "Time", "timestamp", "ts")
"""Under which of these a JSON object says when it was measured."""


class Target(Struct, frozen=True):
    """What a message of a topic is: of which probe, which quantity (empty: an object says it), in which unit, and where in an object."""

    probe: str
    quantity: str = ""
    unit: str = ""
    path: tuple[str, ...] = ("value",)

    def points(self, payload: bytes) -> Iterator[Point]:
        """What a message tells; `at` is empty where it does not say when. Raises BadInput."""
        if len(payload) > LONGEST:
            raise BadInput(f"The message has more than {LONGEST} bytes.")
        told = _decoded(payload)
        if not isinstance(told, dict):
            if not self.quantity:
                raise BadInput("The message is no JSON object, which alone could say which quantity it is.")
            yield Point(self.probe, self.quantity, "", _text(told), self.unit)
            return
        at = next((_text(told[name]) for name in TIMES if name in told), "")
        if self.quantity:
            unit = self.unit or (_text(told["unit"]) if "unit" in told else "")
            yield Point(self.probe, self.quantity, at, _text(_within(told, self.path)), unit)
        else:
            for name, value in told.items():
                text = _text(value)
                if name not in TIMES and text != "null":
                    yield Point(self.probe, name, at, text)


class Topics:
    """The topics to listen to. `mapping` is by topic (`+` and `#` as MQTT has them); several targets of a topic are parted by `;`. Raises ConfigError."""

    def __init__(self, mapping: Mapping[str, str], catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.targets = {
            _topic(topic): tuple(self._target(topic, part) for part in meaning.split(";"))
            for topic, meaning in mapping.items()
        }

    def _target(self, topic: str, text: str) -> Target:
        probe, quantity, unit, path, *more = [*text.split(), "", "", "", ""]
        if not text.strip() or any(more):
            raise _wrong(topic, text, "it is a probe, a quantity, a unit and a path")
        if unit == "-":
            unit = ""
        try:
            if quantity and unit:
                convert(0.0, unit_named(unit), self._catalogue[quantity].unit)
            elif quantity:
                _ = self._catalogue[quantity]
        except (KeyError, ValueError) as error:
            raise _wrong(topic, text, str(error.args[0])) from None
        return Target(probe, quantity, unit, tuple(path.split(".")) if path else ("value",))


def _topic(name: str) -> str:
    parts = name.split("/")
    whole = all(part in {"+", "#"} or not set(part) & {"+", "#"} for part in parts)
    if not name or "\0" in name or not whole or "#" in parts[:-1]:
        raise ConfigError(f"mqtt.topics: {name!r} is no topic.", hint=HINT)
    return name


def _wrong(topic: str, text: str, why: str) -> ConfigError:
    return ConfigError(f"mqtt.topics: {topic} = {text.strip()!r}: {why}.", hint=HINT)


def _decoded(payload: bytes) -> Any:
    """JSON with its numbers as they were written, or else the text itself."""
    try:
        text = payload.decode().strip()
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw]) if text.startswith("{") else text
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The message cannot be read: {why_no_json(payload, error)}.") from None


def _within(told: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    for n, name in enumerate(path):
        if name not in told:
            raise BadInput(f"The message has no {'.'.join(path[: n + 1])!r}.")
        found = told[name]
        if n == len(path) - 1:
            return found
        told = _decoded(bytes(found))
        if not isinstance(told, dict):
            break
    raise BadInput(f"The message has no {'.'.join(path)!r}.")


def _text(value: Any) -> str:
    text = bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)
    return text[1:-1] if len(text) > 1 and text.startswith('"') and text.endswith('"') else text
