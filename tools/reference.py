"""Writes the reference pages from the tables they describe: `python -m tools.reference`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import typer.main
from typer.cli import get_docs_for_click

from margelle.cli.command import app
from margelle.config import OTHER_ENVIRONMENT, TABLE, env_name
from margelle.domain.limits import TABLE as LIMITS
from margelle.domain.limits import Limit
from margelle.domain.plausible import EARLIEST
from margelle.domain.quantity import CATALOGUE as QUANTITIES
from margelle.domain.site import Band
from margelle.domain.unit import symbol
from margelle.domain.verdict import table
from margelle.ports import Setting
from margelle.simulate.faults import CATALOGUE, Fault
from margelle.vendors import VENDORS
from tools import api, coverage
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


_LIMITS: Final = """\
# Limits

Written by `make docs` from the table in `src/margelle/domain/limits.py`.

A value is held against the limits that the site's **owner** has set at the vendor, else against the **vendor's** own, else against those below; where none applies, no verdict is
given. Within the *ideal* band all is well. Outside it the site is to be *watched*; beyond the *tolerable* one something is to be *done*. What the owner or vendor admits counts as
ideal, and what is tolerable beyond that comes from here.

`limits` in [the settings](settings.md) says whether the hub's sites are private or of collective use, to which public law applies. **These figures are no legal or medical advice**: laws
change, and each row says where its figures come from.

| quantity | of | disinfected by | ideal | tolerable | unit | for | source |
|---|---|---|---|---|---|---|---|
"""


def limits() -> str:
    """The page of limits."""
    return _LIMITS + "".join(_limit(each) for each in LIMITS)


def _limit(limit: Limit) -> str:
    unit = symbol(QUANTITIES[limit.quantity].unit)
    by = ", ".join(limit.disinfectants) or "anything"
    bands = f"{_ends(limit.ideal)} | {_ends(limit.tolerable)} | {unit}"
    return f"| `{limit.quantity}` | {', '.join(limit.kinds)} | {by} | {bands} | {limit.regime or 'all'} | {limit.source} |\n"


def _ends(band: Band | None) -> str:
    if band is None:
        return ""
    if band.low is None:
        return f"at most {band.high:g}"
    return f"at least {band.low:g}" if band.high is None else f"{band.low:g} to {band.high:g}"


_VERDICTS: Final = """\
# Verdicts

Written by `make docs` from the tables in `src/margelle/domain/verdict/table.py` and `src/margelle/domain/quantity.py`. These are version {version} of the rules.

Every measurement is kept as it came: value, raw text, and what its vendor says of it. Beside it stand the hub's own **verdicts**: doubts, each of a kind and with
a reason. They never change or hide a value. A doubted value is shown with its reason on the pages, is left out of statistics, and is told on the faces as each vendor tells
such a thing: Ondilo's `is_valid: false` with the reason as `exclusion_reason`, a null where another vendor's probe is shown as a Flipr, nothing where it is shown as a
device of BAXO Connect. A Flipr's or BAXO device's own value is told on its own vendor's face as that vendor's cloud has written it: neither has a word for a doubt.
(`NewResume` tells a Flipr whose temperature, pH or ORP is doubted as one that sleeps.)

A verdict follows from the measurements of the same probe around the point, at most {reach:g} hours away, and from these rules. It does not depend on when, or in
which order, they came: a late or corrected point judges its neighbours anew. It is no correction of the value, so no revision is kept of it. What came with a
measurement stays: `vendor` (excluded by its maker), `unreadable` (no number), `withdrawn` (its cloud tells it at another time now, or who read it by hand took it back), `future` (its time was ahead of the clock when it came). A point that is doubted for one of these, or
for its range or time, is no witness for or against others, and one verdict is said of a point: the first of those below that fits.

When a rule changes, a hub that collects judges all that it keeps anew, in the background; `margelle review` does it at once, and goes on where it was interrupted. The range of
[a quantity of your own](settings.md) counts as a rule.

## range and past

Outside these bounds no water that we know has it. A time before the year {earliest} is `past`.

| quantity | from | to | unit |
|---|---:|---:|---|
{ranges}
## exposed: the probe was out of the water

The conductivity cell shows air: less than the bound, while the water conducted {times} times or more within {wetted:g} hours. All that the electrodes told at that instant is
doubted ({electrodes}). So are they where two or more of them jump at once. Sites of the kind *tank* and *plant* are not judged by their cell, *plant* by neither.

| quantity | below | wet from | source |
|---|---:|---:|---|
{dry}
## jump: faster than water changes

A value that leaves a level faster than allowed, and is back at it within {excursion:g} hours, is a spike, and doubted. If it stays it is a step, such as a calibration or new water, and is
believed from its second reading on; the first is doubted until that comes, and for good only where nothing comes within {unheard:g} hours. After a long silence more is allowed, so a spike
right at its edge is not seen. Not judged on sites of the kind *plant*, which may dose as they like. Salt, TDS and conductivity: in parts of the larger value.

| quantity | at once | and for each hour | source |
|---|---:|---:|---|
{jumps}
## stuck: the same for too long

Told at least every {rhythm:g} hours, the very same number all that time, in quantities that always jitter. Judged where the number has so many digits after the point: what is coarse may well stay. So
a sensor that is stuck at 7.2 is not found, one at 7.24 is. Not judged: what is constant or coarse by nature (battery, signal, salt, level, flow, pressure, estimates).

| quantity | hours | digits | source |
|---|---:|---:|---|
{stuck}
## cross: quantities that contradict each other

Told at the same instant. Nobody knows which of the two is wrong, so both are doubted.

| contradiction | source |
|---|---|
{cross}"""


def verdicts() -> str:
    """The page of the rules for verdicts."""
    return _VERDICTS.format(
        version=table.VERSION,
        reach=_hours(table.REACH),
        earliest=f"{EARLIEST:%Y}",
        times=table.WET_TIMES,
        wetted=_hours(table.WETTED),
        electrodes=", ".join(sorted(table.ELECTRODES)),
        excursion=_hours(table.EXCURSION),
        unheard=_hours(table.UNHEARD),
        rhythm=_hours(table.RHYTHM),
        ranges=_rows((one.name, f"{one.low:g}", _plain(one.high), one.unit) for one in QUANTITIES),
        dry=_rows((one.quantity, f"{one.below:g}", f"{one.wet:g}", one.source) for one in table.DRY),
        jumps=_rows((one.quantity, _part(one.least, one), _part(one.per_hour, one), one.source) for one in table.JUMPS),
        stuck=_rows((one.quantity, f"{_hours(one.lasting):g}", one.decimals, one.source) for one in table.STUCK),
        cross=_rows(_contradictions()),
    )


def _contradictions() -> Iterator[tuple[object, ...]]:
    for ratio in table.RATIOS:
        low = f"below {ratio.low:g} or " if ratio.low else ""
        yield (
            f"{ratio.over} / {ratio.under} {low}above {ratio.high:g}, from {ratio.least:g} of the latter on",
            ratio.source,
        )
    for rule in table.BOTH:
        bound = f"{'below' if rule.below else 'above'} {rule.bound:g}"
        yield f"{rule.one} of {rule.least:g} or more, and {rule.other} {bound}", rule.source
    cold = f"temperature below {table.FREEZING:g} °C, less {1000 * table.SALT_FREEZING:g} K for each g/L of what is dissolved"
    yield cold, table.FREEZING_SOURCE


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600


def _part(value: float, rule: table.Jump) -> str:
    return f"{100 * value:g} %" if rule.relative else f"{value:g} {QUANTITIES[rule.quantity].unit}"


def _plain(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 1000 else f"{value:g}"


def _rows(rows: Iterable[Sequence[object]]) -> str:
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


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
    "limits.md": limits,
    "verdicts.md": verdicts,
    "api.md": api.page,
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
