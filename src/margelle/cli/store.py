"""`margelle store`: the database itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import typer

from margelle.cli.terminal import Exit, JsonOption, counted, invocation, note, progress, run, say, say_json, table

if TYPE_CHECKING:
    from margelle.config import Settings
    from margelle.ports import Inspected, Store
    from margelle.store.copying import Proof

_ENDS: Final = {
    (False, False): "The copy is complete.",
    (False, True): "They differ: did a hub run meanwhile? Stop it and copy again.",
    (True, False): "The copy was complete already: both hold the same, and nothing was copied.",
    (
        True,
        True,
    ): "They differ: the target holds something else, or one of the two has changed since it was copied. Nothing was copied: name a new file or an empty database.",
}
"""What is said in the end, by whether there was a complete copy before, and whether it differs."""

app = typer.Typer(help="The database itself. Made small, checked, and copied to another.", no_args_is_help=True)


@app.command(epilog="Example: margelle store fold --compact")
def fold(
    context: typer.Context,
    compact: Annotated[
        bool, typer.Option("--compact", help="Then give back to the disk what is free. A running hub waits meanwhile.")
    ] = False,
) -> None:
    """Fold into chunks all that has not been yet.

    A hub does so by itself, in the background, whenever enough has come; this does it now, beside a running hub too. It may be interrupted
    at any time. No answer changes by it.
    """
    run(_fold(invocation(context).settings(), compact=compact))


@app.command(epilog="Example: margelle store check --json")
def check(
    context: typer.Context,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="First make anew what follows from the points. Stop the hub before."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read everything, and compare it.

    Chunks, newest points, statistics and counts must fit. The digest is of all measurements, wherever they are kept: it is the same
    before and after an update or a fold; the second one is of what was corrected. What does not fit is told with its probe, and what to do.
    Exit code 1 where something does not fit.

    The newest points, the statistics of days and the counts can always be made anew: --repair does so, and touches no point. A probe of which
    a point cannot be read stays as it is.

    An SQLite file that cannot be written, such as a backup on a disk that is read-only, is read as it is.
    """
    raise typer.Exit(run(_check(invocation(context).settings(), repair=repair, as_json=as_json)))


@app.command(epilog="Example: margelle store copy ~/margelle.sqlite postgresql://hub@db.example.org/margelle")
def copy(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The database, as in the setting store.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty one, or one that this has begun to fill.")],
    as_json: JsonOption = False,
) -> None:
    """Copy everything to a database of either kind, and prove it.

    Stop the hub first. It may be interrupted at any time, and then goes on where it was. In the end both databases are read, and the
    number and digest of measurements, of revisions and of every table compared. Exit code 1 where they differ. A copy that is complete
    already is only compared. A password need not be written here: libpq reads PGPASSWORD and ~/.pgpass.
    """
    raise typer.Exit(run(_copy(invocation(context).settings(), source, target, as_json=as_json)))


@app.command(epilog="Example: margelle store distribute")
def distribute(context: typer.Context, as_json: JsonOption = False) -> None:
    """Spread the tables over the servers of a cluster (PostgreSQL with Citus).

    Measurements are spread by probe and receipts by account; all else is on every server. Once is enough: what later versions of margelle
    add goes where it belongs by itself. Stop every hub first. It may be interrupted at any time, and then goes on where it was.
    """
    run(_distribute(invocation(context).settings(), as_json=as_json))


async def _distribute(settings: Settings, *, as_json: bool) -> None:
    from margelle.store import distribute

    placed: dict[str, str | None] = {}
    async for name, column in distribute(settings.store_url):
        placed[name] = column
        if not as_json:
            say(f"{name}: {f'by {column}' if column else 'on every server'}")
    if as_json:
        say_json({"tables": placed})
    else:
        say("The tables are where they belong. Start the hubs again.")


async def _copy(settings: Settings, source: str, target: str, *, as_json: bool) -> Exit:
    from margelle.store import copying, open_copyable
    from margelle.store.vault import Vault

    vault = Vault.open(settings.key_file)
    one, other = open_copyable(source, vault, new=False), open_copyable(target, vault)
    try:
        before = await copying.was_finished(one, other)
        if not before:
            with progress("Copying") as told:
                await copying.copy(one, other, told)
        with progress("Reading what was copied") as told:
            true = await copying.proof(one, lambda share: told(share / 2))
            found = await copying.proof(other, lambda share: told(0.5 + share / 2))
        differences = true.differences(found)
        if not differences and not before:
            await copying.finish(other)
    finally:
        await other.close()
        await one.close()
    return _shown(true, differences, before=before, as_json=as_json)


def _shown(proof: Proof, differences: list[str], *, before: bool, as_json: bool) -> Exit:
    """What came of it; `before` says that there was a complete copy already, so that nothing was copied."""
    if as_json:
        say_json({"counts": proof.counts, "digests": proof.digests, "differences": differences})
    else:
        table(("WHAT", "COUNT", "DIGEST"), [(name, str(n), proof.digests[name]) for name, n in proof.counts.items()])
        for difference in differences:
            note(f"Differs: {difference}")
        say(_ENDS[before, bool(differences)])
    return Exit.FAILED if differences else Exit.OK


async def _fold(settings: Settings, *, compact: bool) -> None:
    from margelle.cli import house

    async with house.opened(settings) as home:
        points, loose, more = 0, await home.store.loose(), True
        with progress("Folding") as told:
            while more:
                folded = await home.store.fold(everything=True)
                points, more = points + folded.points, folded.more
                told(min(points / (loose or 1), 1.0))
                await asyncio.sleep(0)
        say(f"{counted(points, 'measurement')} folded.")
        if compact:
            await home.store.compact()


async def _check(settings: Settings, *, repair: bool, as_json: bool) -> Exit:
    from margelle.cli import house

    found: Inspected | None = None
    async with house.opened(settings, only_reads=not repair) as home:
        if repair:
            await _repair(home.store)
        with progress("Reading") as told:
            async for found in home.store.inspect():
                told(found.share)
                await asyncio.sleep(0)
    assert found is not None
    if as_json:
        say_json(_told(found))
    else:
        say(f"{counted(found.points, 'measurement')} read, digest {found.digest}.")
        say(f"{counted(found.revisions, 'correction')}, digest {found.revisions_digest}.")
        for fault in found.faults:
            note(f"Does not fit: {fault}")
    return Exit.FAILED if found.faults else Exit.OK


def _told(found: Inspected) -> dict[str, object]:
    return {
        "measurements": found.points,
        "digest": found.digest,
        "revisions": found.revisions,
        "revisions_digest": found.revisions_digest,
        "faults": found.faults,
    }


async def _repair(store: Store) -> None:
    left: tuple[str, ...] = ()
    with progress("Making anew") as told:
        async for one in store.repair():
            told(one.share)
            left = one.left
            await asyncio.sleep(0)
    for each in left:
        note(f"Not repaired: {each}")
