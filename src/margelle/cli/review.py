"""`margelle review`: what is kept, judged by the present rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from margelle.cli.terminal import counted, invocation, progress, run, say

if TYPE_CHECKING:
    from margelle.config import Settings


def review(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="All of it, even if it has been done by these rules.")] = False,
) -> None:
    """Judge anew all that is kept.

    A hub that collects does so by itself, slowly, after an update that has changed a rule; this does it now, beside a running hub too. What
    was interrupted goes on where it was. Only our own verdicts change: never a value, its raw text or a vendor's word on it.
    """
    settings = invocation(context).settings()
    run(_review(settings, again=again))


async def _review(settings: Settings, *, again: bool) -> None:
    from margelle.cli import house

    async with house.opened(settings) as home:
        state = None
        with progress("Judging") as told:
            async for state in home.reviewer().steps(again=again):
                told(state.share)
    if state is None:
        say("All that is kept has been judged by these rules. --again does it once more.")
    else:
        say(f"{counted(state.read, 'measurement')} judged, {state.changed:,} otherwise than before.")
