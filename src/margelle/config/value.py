"""One given value of a setting, checked."""

from __future__ import annotations

import difflib
import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from margelle.errors import BadInput, ConfigError
from margelle.ports import Setting
from margelle.redaction import MASK, redact

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_WORDS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_RANGES: Final = {
    "port": (0, 65535),
    "tls.port": (0, 65535),
    "workers": (1, 64),
    "api.intake_mib": (1, 65_536),
    "shutdown.grace_s": (0, 3600),
    "shutdown.delay_s": (0, 3600),
    "receipts_days": (1, 3650),
    "collect.requests_per_hour": (0, 100_000),
    "collect.timeout_s": (1, 600),
    "api.requests_per_minute": (0, 1_000_000),
}
_MANY: Final = (list[str], dict[str, str])
_PATHS: Final = frozenset({"data_dir", "key_file"})
"""Empty, they would mean whatever folder the user is in."""

_TIME: Final = (0, 10 * 365 * 86_400)
_ANY: Final = (-1e15, 1e15)


class Given(Struct, frozen=True):
    """A value as it came: `text` where everything is written as text, so that `8080` is a number too."""

    value: Any
    origin: str
    text: bool = True


def checked(setting: Setting, given: Given) -> Any:
    """The value that was given, in the setting's type. Raises ConfigError."""
    value = _parsed(setting, given)
    low, high = _RANGES.get(setting.name, _TIME if setting.name.endswith("_s") else _ANY)
    if isinstance(value, int | float) and not low <= value <= high:
        raise _wrong(setting, given, f"from {low:.0f} to {high:.0f}")
    for part in _texts(value):
        if isinstance(part, str) and _CONTROL.search(part):
            raise _wrong(setting, given, "text without control characters")
        if setting.name in _PATHS and not part.strip():
            raise _wrong(setting, given, "a path")
        if setting.choices and str(part) not in setting.choices:
            near = difflib.get_close_matches(str(part), setting.choices, 1)
            raise _wrong(setting, given, f"one of {', '.join(setting.choices)}", near[0] if near else "")
    if setting.name == "public_url" and value and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise _wrong(setting, given, "an address such as https://pool.example.org")
    if setting.name == "time_zone" and not _is_zone(value):
        raise _wrong(setting, given, "a time zone such as Europe/Paris")
    if setting.name == "collect.resolve":
        _check_names(setting, given, value)
    return value


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - seldom set

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def _texts(value: Any) -> list[Any]:
    """All that was written in a value."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else [value]


def _check_names(setting: Setting, given: Given, value: list[str]) -> None:
    from margelle.net.names import Names  # noqa: PLC0415 - seldom set

    try:
        Names.of(value)
    except BadInput as error:
        raise _wrong(setting, given, "host=address, or the address of a name server") from error


def _parsed(setting: Setting, given: Given) -> Any:
    value = given.value
    if given.text and isinstance(value, str) and setting.type is not str:
        value = value.strip()
        value = _split(setting, given, value) if setting.type in _MANY else _WORDS.get(value.lower(), value)
    try:
        return msgspec.convert(value, setting.type, strict=not given.text)
    except msgspec.ValidationError as error:
        raise _wrong(setting, given, _kind(setting)) from error


def _split(setting: Setting, given: Given, text: str) -> list[str] | dict[str, str]:
    """A list, or a table of `name=value`, as one text."""
    if setting.type == list[str]:
        return _parts(text)
    pairs = [part.partition("=") for part in _parts(text)]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        raise _wrong(setting, given, _kind(setting))
    table = {name.strip(): value.strip() for name, _, value in pairs}
    if len(table) < len(pairs):
        raise _wrong(setting, given, "a table that has each name once")
    return table


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _wrong(setting: Setting, given: Given, wanted: str, near: str = "") -> ConfigError:
    shown = MASK if setting.secret else redact(repr(given.value))
    hint = f"Did you mean {near!r}?" if near else ""
    what = f"{setting.name} is {shown}, but it must be {wanted}"
    # A flag's or variable's name may end in a word like password: with a colon after it, all of this would be masked.
    return ConfigError(f"{what} ({given.origin})." if given.text else f"{given.origin}: {what}.", hint=hint)


def _kind(setting: Setting) -> str:
    kinds: dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    if setting.type == dict[str, str]:
        return "a table of texts (name=value, parted by commas, where it is one text)"
    return kinds.get(setting.type, "a list of texts")
