"""How the face behaves where clients need it otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from margelle.errors import ConfigError
from margelle.ports import Setting

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "language",
        str,
        "auto",
        "The language of labels and messages: as the client asks, else the user's; or always this one, for clients that know only French.",
        choices=("auto", "fr", "en"),
    ),
    Setting(
        "conductivity",
        str,
        "value",
        "How conductivity is told in a measure: as a number of µS/cm, as documented, or as a level in words, as the cloud does since 2021.",
        choices=("value", "level"),
    ),
    Setting(
        "access_token_life_s",
        float,
        23_328_000.0,
        "How long an access token is good for, in seconds: 270 days, since some clients never renew one. A refresh token is good for ever.",
    ),
    Setting(
        "switch_pumps",
        bool,
        True,
        "Whether users may switch the pumps of their own accounts through the hub; if not, they only see how they stand.",
    ),
)

_LONGEST_LIFE_S: Final = 315_360_000


class Profile(Struct, frozen=True):
    """The settings, each by its name."""

    language: Literal["auto", "fr", "en"] = "auto"
    conductivity: Literal["value", "level"] = "value"
    access_token_life_s: float = 23_328_000.0
    switch_pumps: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Profile:
        """The profile that `settings` describe. Raises ConfigError where no face could work so."""
        profile = cls(**{name: settings[name] for name in cls.__struct_fields__ if name in settings})
        if not 1 <= profile.access_token_life_s <= _LONGEST_LIFE_S:
            raise ConfigError(
                f"flipr.access_token_life_s is {profile.access_token_life_s}, but it must be from 1 to {_LONGEST_LIFE_S}."
            )
        return profile
