"""How BAXO is collected and served in an installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from margelle.domain.quantity import Catalogue
from margelle.errors import ConfigError
from margelle.ports import Setting
from margelle.vendors.baxo.translate.tags import Tags

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "tags",
        dict[str, str],
        {},
        'Which quantity a tag is, and in which unit if not in the quantity\'s own: `PH = "ph"`, `NIVEAU = "level cm"`; `"14587/PH" = "ph"` for the tag of one device. A tag that is not listed is kept as `baxo.<tag>`.',
    ),
    Setting(
        "historics_time",
        str,
        "auto",
        "In which time the cloud counts the past: BAMO's document does not say. `auto` looks for each device's values of now in its past, and `margelle status` tells what it found; `utc` and `local`, the device's own, fix it.",
        choices=("auto", "utc", "local"),
    ),
    Setting(
        "profile",
        str,
        "lenient",
        "How the face behaves: `lenient` also tells a device's id under the key that most clients read, and takes a login without its password for a while; `strict` prints what the document prints, and wants the password with every request.",
        choices=("lenient", "strict"),
    ),
    Setting(
        "password_grace_s",
        float,
        86_340.0,
        "How long after a request with the password the same login is let in without it, from the same address only; 0 for never.",
    ),
    Setting(
        "page_rows",
        int,
        10_000,
        "How many rows a page of the past has: as documented, or fewer for those who test how their client turns pages.",
    ),
    Setting(
        "writers",
        list[str],
        [],
        "The logins of those who may write parameters of devices through the face. Empty: nobody.",
    ),
)

_MOST_ROWS: Final = 10_000


class Profile(Struct, frozen=True):
    """The settings, each by its name."""

    tags: Tags
    historics_time: Literal["auto", "utc", "local"] = "auto"
    profile: Literal["lenient", "strict"] = "lenient"
    password_grace_s: float = 86_340.0
    page_rows: int = 10_000
    writers: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any], catalogue: Catalogue) -> Profile:
        """The profile that `settings` describe; what they leave out has its default. Raises ConfigError."""
        own = {name: settings[name] for name in cls.__struct_fields__ if name in settings}
        own["tags"] = Tags(own.get("tags", {}), catalogue)
        own["writers"] = tuple(login.strip().casefold() for login in own.get("writers", ()))
        profile = cls(**own)
        if not 1 <= profile.page_rows <= _MOST_ROWS:
            raise ConfigError(f"baxo.page_rows is {profile.page_rows}, but it must be from 1 to {_MOST_ROWS}.")
        return profile

    @property
    def grace_s(self) -> float:
        """How long a login is good without its password; 0 for not at all."""
        return 0.0 if self.profile == "strict" else self.password_grace_s

    @property
    def both_keys(self) -> bool:
        """Whether a device's id stands under both of its keys."""
        return self.profile == "lenient"
