"""How the hub was set up, for its operator's page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from margelle import __version__
from margelle.config import FILE_NAME, FRENCH, TABLE, Settings, env_name
from margelle.ports import InForce, Premises, Setting
from margelle.redaction import redact


class HubInstallation:
    """Implements `ports.Installation` over the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def settings(self) -> list[InForce]:
        """Every setting, in the order of the table."""
        return [self._in_force(setting) for setting in TABLE]

    def premises(self) -> Premises:
        """Where the hub is at home."""
        own = self._settings
        return Premises(
            __version__,
            redact(own.store_url),
            _size(own.store_url),
            str(own.data_dir),
            str(own.key_file),
            str(own.file or own.data_dir / FILE_NAME),
            own["tls.port"],
            str(own.tls_dir / "ca.pem"),
        )

    def _in_force(self, setting: Setting) -> InForce:
        value = "…" if setting.secret else self._settings[setting.name]
        return InForce(
            setting.name,
            self._settings.shown(setting.name),
            self._settings.origin(setting.name),
            setting.sentence,
            FRENCH.get(setting.name, setting.sentence),
            lines(setting.name, value),
            env_name(setting.name),
            setting.secret,
        )


def lines(name: str, value: Any) -> str:
    """What to write in the settings file for this value: the head of its table, and the line."""
    if isinstance(value, Mapping):
        pairs = "".join(f"\n{json.dumps(key, ensure_ascii=False)} = {_toml(one)}" for key, one in value.items())
        return f"[{name}]{pairs}"
    table, _, key = name.rpartition(".")
    return f"[{table}]\n{key} = {_toml(value)}" if table else f"{key} = {_toml(value)}"


def _toml(value: Any) -> str:
    """A value as TOML has it; JSON's text, number, list and truth values are the same there."""
    return json.dumps(value, ensure_ascii=False)


def _size(store_url: str) -> int | None:
    """How many bytes a database has in files of this machine; None where it is elsewhere."""
    scheme, path = urlsplit(store_url).scheme, unquote(urlsplit(store_url).path)
    if scheme not in {"", "sqlite"}:
        return None
    main = Path(path[1:] if path.startswith("//") else path)
    files = [main.with_name(main.name + ending) for ending in ("", "-wal", "-shm")]
    found = [file.stat().st_size for file in files if file.is_file()]
    return sum(found) if found else None
