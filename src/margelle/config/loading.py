"""The effective settings, and where each came from."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from margelle.config.quantities import catalogue_with, free_quantities
from margelle.config.table import BY_NAME, OTHER_ENVIRONMENT, PREFIX, TABLE, env_name
from margelle.config.value import Given, checked
from margelle.domain.quantity import Catalogue, Quantity
from margelle.errors import ConfigError
from margelle.ports import Setting
from margelle.redaction import MASK, redact

FILE_NAME: Final = "margelle.toml"


class Settings(Mapping[str, Any]):
    """The effective settings; `origin` says where each came from. Secrets are masked in every representation."""

    def __init__(
        self, values: Mapping[str, Any], origins: Mapping[str, str], catalogue: Catalogue, file: Path | None
    ) -> None:
        self._values = dict(values)
        self._origins = dict(origins)
        self.catalogue = catalogue
        self.file = file

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={self.shown(name)}' for name in self)})"

    def origin(self, name: str) -> str:
        """Where the value of `name` came from: `default`, the file with its line, the variable or the flag."""
        return self._origins[name]

    def shown(self, name: str) -> str:
        """The value of `name` as text that anybody may read."""
        value = self._values[name]
        if BY_NAME[name].secret:
            return MASK if value else ""
        return redact(
            ",".join(value)
            if isinstance(value, list)
            else ",".join(f"{name}={one}" for name, one in value.items())
            if isinstance(value, dict)
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )

    def section(self, prefix: str) -> dict[str, Any]:
        """The settings whose names begin with `prefix` and a dot, without them."""
        return {name.removeprefix(prefix + "."): value for name, value in self.items() if name.startswith(prefix + ".")}

    @property
    def data_dir(self) -> Path:
        """The folder of everything that is kept."""
        return Path(self["data_dir"])

    @property
    def store_url(self) -> str:
        """The store's URL."""
        return str(self["store"]) or f"sqlite:///{self.data_dir / 'margelle.sqlite'}"

    @property
    def tls_dir(self) -> Path:
        """The folder of the certificate and its authority."""
        return Path(self["tls.dir"] or self.data_dir / "tls")

    @property
    def key_file(self) -> Path:
        """Where the key of the vault is."""
        return Path(self["key_file"])


def load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """The settings: a flag wins over the environment, that over the file, that over the default.

    The file is `path`, else `MARGELLE_CONFIG`, else `margelle.toml` in the data folder if there is one. Flags are by setting name; text is read
    as in the environment. Raises ConfigError.
    """
    values = {setting.name: _default(setting, environ) for setting in TABLE}
    origins = dict.fromkeys(values, "default")
    given = {**_from_environment(environ), **_from_flags(flags)}
    file = _file(path, environ, given, values["data_dir"])
    free: list[Quantity] = []
    if file is not None:
        found, free = _from_file(file)
        given = {**found, **given}
    for name, one in given.items():
        values[name] = checked(BY_NAME[name], one)
        origins[name] = one.origin
    for name in ("data_dir", "key_file", *(["tls.dir"] if values["tls.dir"] else [])):
        from_file = file is not None and name in given and not given[name].text
        base = file.parent if file is not None and from_file else Path()
        values[name] = str((base / _expanded(values[name], environ)).absolute())
    return Settings(values, origins, catalogue_with(free, file), file)


def _default(setting: Setting, environ: Mapping[str, str]) -> Any:
    if setting.name == "data_dir" and environ.get("XDG_DATA_HOME"):
        return str(Path(environ["XDG_DATA_HOME"]) / "margelle")
    if setting.name == "key_file" and environ.get("XDG_CONFIG_HOME"):
        return str(Path(environ["XDG_CONFIG_HOME"]) / "margelle" / "key")
    return setting.default


def _expanded(text: str, environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    if home and (text == "~" or text.startswith("~/")):
        return Path(home + text[1:])
    return Path(text).expanduser()


def _from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    names = {env_name(name): name for name in BY_NAME}
    ours = [variable for variable in environ if variable.startswith(PREFIX) and variable not in OTHER_ENVIRONMENT]
    for variable in ours:
        if variable not in names:
            raise _unknown(variable, [*names, *OTHER_ENVIRONMENT], "environment")
    return {names[variable]: Given(environ[variable], f"environment {variable}") for variable in ours}


def _from_flags(flags: Mapping[str, Any]) -> dict[str, Given]:
    for name in flags:
        if name not in BY_NAME:
            raise _unknown(name, BY_NAME, "command line")
    return {name: Given(value, f"flag {name}") for name, value in flags.items() if value is not None}


def _file(path: Path | None, environ: Mapping[str, str], given: Mapping[str, Given], folder: str) -> Path | None:
    named = path or (Path(environ["MARGELLE_CONFIG"]) if environ.get("MARGELLE_CONFIG") else None)
    if named is not None:
        return named
    usual = _expanded(str(given["data_dir"].value if "data_dir" in given else folder), environ) / FILE_NAME
    return usual if usual.is_file() else None


def _from_file(file: Path) -> tuple[dict[str, Given], list[Quantity]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 text (byte {error.start}).") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}.") from error
    free = free_quantities(tree.pop("quantities", {}), file)
    lines = _lines(text)
    found: dict[str, Given] = {}
    for name, value in _leaves(tree):
        origin = f"{file}:{lines[name]}" if name in lines else str(file)
        if name not in BY_NAME:
            raise _unknown(name, [*BY_NAME, "quantities"], origin)
        found[name] = Given(value, origin, text=False)
    return found, free


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value and not _is_table(prefix + key):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _is_table(name: str) -> bool:
    """Whether the setting `name` is a table itself, whose keys are not ours."""
    return name in BY_NAME and BY_NAME[name].type == dict[str, str]


def _lines(text: str) -> dict[str, int]:
    """In which line each key stands, as far as a simple look at the text tells; for messages only."""
    table, found = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            table = header[1].replace(" ", "").replace('"', "") + "."
            found.setdefault(table[:-1], number)
        elif key := re.match(r"""\s*([\w."'\- ]+?)\s*=""", line):
            found.setdefault(table + re.sub(r"[\s\"']", "", key[1]), number)
    return found


def _unknown(name: str, known: Iterable[str], where: str) -> ConfigError:
    near = difflib.get_close_matches(name, list(known), 1, 0.5)
    hint = f"Did you mean {near[0]!r}?" if near else "`margelle settings` lists all of them."
    return ConfigError(f"{where}: there is no setting {name!r}.", hint=hint)
