"""Writes the reference pages from the tables they describe: `python -m tools.reference`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import typer.main
from typer.cli import get_docs_for_click

from margelle.cli.command import app
from margelle.config import OTHER_ENVIRONMENT, TABLE, env_name
from margelle.ports import Setting
from margelle.simulate.faults import CATALOGUE, Fault
from margelle.vendors import VENDORS
from tools import coverage
from tools.lines import shared, size

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"

_LINES: Final = "<!-- lines: written by `make docs` -->"
_END: Final = "<!-- end of lines -->"

_SETTINGS: Final = """\
# Settings

Written by `make docs` from the table in `src/margelle/config/table.py`.

A setting can be given in the file `margelle.toml` (in the data folder, or where `--config` says), as an environment variable, and with `--set name=value`. A flag
wins over the environment, that over the file, that over the default. A key that does not exist is an error that names the nearest one.
`margelle settings` shows what is in force, and where each value came from.

```toml
# margelle.toml
port = 9000
public_url = "https://pool.example.org"

[ondilo]
types_default = "empty"

# What the tags of BAXO Connect's devices are; where a device differs, its id stands before its tag.
[baxo.tags]
PH = "ph"
NIVEAU = "level cm"
"14587/REDOX" = "orp"

# A quantity of your own: unit is a UCUM code that margelle knows, low and high bound what is plausible.
[quantities."plant.ozone"]
unit = "mg/L"
low = 0
high = 5
sentence = "Dissolved ozone after the contact tank."
```

In the environment, a list is parted by commas, and a table is a list of `name=value`.
"""


def settings() -> str:
    """The page of settings."""
    parts = [_SETTINGS]
    sections = dict.fromkeys(setting.name.rpartition(".")[0] for setting in TABLE)
    for section in sections:
        rows = "".join(_row(setting) for setting in TABLE if setting.name.rpartition(".")[0] == section)
        parts.append(f"\n## {section or 'The hub'}\n\n| setting | type | default | |\n|---|---|---|---|\n{rows}")
    others = "".join(f"| `{name}` | {sentence} |\n" for name, sentence in OTHER_ENVIRONMENT.items())
    parts.append(
        f"\n## Other variables\n\n| variable | |\n|---|---|\n{others}| `PORT` | The port of `margelle demo`. |\n"
    )
    return "".join(parts)


def _row(setting: Setting) -> str:
    words: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    words |= {list[str]: "list of texts", dict[str, str]: "table of texts"}
    choices = f" One of {', '.join(f'`{choice}`' for choice in setting.choices)}." if setting.choices else ""
    return f"| `{setting.name}`<br>`{env_name(setting.name)}` | {words[setting.type]} | {_shown(setting.default)} | {setting.sentence}{choices} |\n"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value not in ("", [], {}) else ""


def commands() -> str:
    """The page of commands."""
    command = typer.main.get_command(app)
    with command.make_context("margelle", [], resilient_parsing=True) as context:
        page = get_docs_for_click(obj=command, ctx=cast("typer.Context", context), name="margelle", title="Commands")
    note = "Written by `make docs` from the commands' own help.\n\n"
    head, _, rest = page.partition("\n\n")
    return f"{head}\n\n{note}{rest.strip()}\n"


_FAULTS: Final = """\
# Faults

Written by `make docs` from the catalogue in `src/margelle/simulate/faults/catalogue.py`. How to provoke them: [clouds.md](clouds.md).

| fault | what happens | where it was seen | what it fits |
|---|---|---|---|
"""


def faults() -> str:
    """The page of the clouds' faults."""
    return _FAULTS + "".join(
        f"| `{fault.name}` | {fault.what} | {fault.seen} | {_operations(fault)} |\n" for fault in CATALOGUE
    )


def _operations(fault: Fault) -> str:
    """What a fault fits, by vendor."""
    vendors = dict.fromkeys(one.partition("/")[0] for one in fault.operations)
    of = {
        vendor: [one.partition("/")[2] for one in fault.operations if one.startswith(f"{vendor}/")]
        for vendor in vendors
    }
    return "; ".join(f"{vendor}: {', '.join(names)}" for vendor, names in of.items())


def add_a_vendor() -> str:
    """The page of how to add a vendor, with its table of lines measured anew."""
    page = (DOCS / "add-a-vendor.md").read_text(encoding="utf-8")
    head, _, rest = page.partition(_LINES)
    _, _, tail = rest.partition(_END)
    columns = ("the record", "wire", "translate", "collecting", "imitating", "both")
    sizes = {"Lily": size("lily", DOCS.parent, "tests.fourth")}
    sizes |= {vendor.title: size(name) for name, vendor in VENDORS.items()}
    rows = "".join(f"| {title} | {' | '.join(map(str, lines))} |\n" for title, lines in sizes.items())
    table = f"| vendor | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}\n{rows}"
    return f"{head}{_LINES}\n{table}\nBeside the folders stand {shared()} lines that serve all of them.\n{_END}{tail}"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "settings.md": settings,
    "commands.md": commands,
    "faults.md": faults,
    "add-a-vendor.md": add_a_vendor,
    **{name: partial(coverage.page, party) for name, party in coverage.PAGES.items()},
}


def main() -> None:
    """Write the pages that are not current."""
    for name, written in PAGES.items():
        page = DOCS / name
        if not page.exists() or page.read_text(encoding="utf-8") != written():
            page.write_text(written(), encoding="utf-8")
            print(f"{page} is written anew")


if __name__ == "__main__":
    main()
