"""How the face behaves where real clients, or the times of Ondilo's cloud, disagree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from margelle.errors import ConfigError
from margelle.ports import Setting
from margelle.vendors.ondilo.translate import TimeProfile

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "types_default",
        str,
        "all",
        "What `lastmeasures` answers when a client names no types: every type, or an empty list as Ondilo's cloud does since 2024.",
        choices=("all", "empty"),
    ),
    Setting(
        "lastmeasures_time",
        str,
        "current",
        "How `lastmeasures` writes times: `current` as Ondilo's cloud does since 2024 (2026-07-14 12:30:00, in UTC), `documented` as its document says (2026-07-14T12:30:00+0000).",
        choices=("current", "documented"),
    ),
    Setting(
        "measures_time",
        str,
        "documented",
        "How `measures` writes times; as for `ondilo.lastmeasures_time`.",
        choices=("current", "documented"),
    ),
    Setting(
        "limit_status",
        int,
        429,
        "The status of an answer beyond the quota: 429, or 400 as Ondilo's cloud has been seen to answer.",
        choices=("429", "400"),
    ),
    Setting(
        "redirect_hosts",
        list[str],
        [],
        "To which hosts a client may send people back after they have signed in, such as `pool.example.org`, `*.example.org`, `localhost:8123`, or `my.app:` for an app of that scheme. Empty: to any.",
    ),
    Setting(
        "refused_login",
        str,
        "auto",
        "What follows a refused login: the `form` again, a `redirect` to the client that says so as Ondilo's cloud does, or `auto`: the form in a browser, the redirect for a program.",
        choices=("auto", "form", "redirect"),
    ),
    Setting(
        "access_token_life_s",
        float,
        3600.0,
        "How long an access token is good for, in seconds; a refresh token is good for ever.",
    ),
)


_LONGEST_LIFE_S: Final = 315_360_000
_HOST: Final = re.compile(r"(\*\.)?([^\s/:*?#@\[\]]+|\[[0-9a-f:.]+\])(:\d*)?", re.ASCII)


class Profile(Struct, frozen=True):
    """The settings, each by its name."""

    types_default: Literal["all", "empty"] = "all"
    lastmeasures_time: TimeProfile = "current"
    measures_time: TimeProfile = "documented"
    limit_status: int = 429
    redirect_hosts: tuple[str, ...] = ()
    refused_login: Literal["auto", "form", "redirect"] = "auto"
    access_token_life_s: float = 3600.0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Profile:
        """The profile that `settings` describe; what they leave out has its default, what is no setting of the face is left.

        Raises ConfigError where no face could work so.
        """
        own = {name: settings[name] for name in cls.__struct_fields__ if name in settings}
        own["redirect_hosts"] = tuple(host.strip().lower() for host in own.get("redirect_hosts", ()))
        profile = cls(**own)
        if not 1 <= profile.access_token_life_s <= _LONGEST_LIFE_S:
            raise ConfigError(
                f"ondilo.access_token_life_s is {profile.access_token_life_s}, but it must be from 1 to {_LONGEST_LIFE_S}."
            )
        for host in profile.redirect_hosts:
            if not _HOST.fullmatch(host):
                raise ConfigError(
                    f"ondilo.redirect_hosts has {host!r}, which is no host.",
                    hint="Write pool.example.org, *.example.org, localhost:8123, or my.app: for an app of that scheme.",
                )
        return profile
