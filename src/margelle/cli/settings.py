"""`margelle settings`: the settings in force, and where each came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from margelle.cli.terminal import JsonOption, invocation, say, say_json, table

if TYPE_CHECKING:
    from margelle.config import Settings


def settings(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the settings in force.

    And where each came from; secrets are masked. A flag (--set name=value) wins over the environment (MARGELLE_NAME), that over the file (margelle.toml), that over the default.
    """
    found = invocation(context).settings()
    _demand_sense(found)
    if as_json:
        say_json([{"name": name, "value": found.shown(name), "from": found.origin(name)} for name in found])
        return
    table(("SETTING", "VALUE", "FROM"), [(name, found.shown(name), found.origin(name)) for name in found])
    say()
    say(f"File: {found.file or 'none; write ' + str(found.data_dir / 'margelle.toml')}")


def _demand_sense(found: Settings) -> None:
    """Raises ConfigError, as a hub would at its start, where a vendor cannot make sense of its own settings."""
    from margelle.vendors import VENDORS

    for vendor in VENDORS.values():
        if vendor.configure is not None:
            vendor.configure(found.section(vendor.name), found.catalogue)
