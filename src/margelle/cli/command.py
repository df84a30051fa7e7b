"""The root command: what stands before every other, and what becomes of errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from margelle import __version__
from margelle.cli import (
    account,
    bring,
    clouds,
    demo,
    export,
    hub,
    measure,
    review,
    settings,
    site,
    status,
    store,
    tls,
    user,
)
from margelle.cli.terminal import Exit, Invocation, note, report
from margelle.errors import BadInput, MargelleError

_EVERYWHERE = {"--config": True, "--set": True, "--debug": False}
"""The root options that may stand after the command too, and whether each takes a value."""

app = typer.Typer(
    name="margelle",
    help="A self-hosted home for water measurements: collects from probe clouds, keeps every reading, speaks each vendor's API.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 done in part or somebody is needed, 130 interrupted. "
    "--config, --set and --debug may also stand after the command. First look: margelle demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    rich_markup_mode=None,
)
app.command(epilog="Example: margelle serve --host 0.0.0.0 --port 8080")(hub.serve)
app.command(epilog="Example: margelle collect --once")(hub.collect)
app.command(epilog="Example: margelle clouds --port 8081")(clouds.clouds)
app.command(epilog="Example: PORT=9000 margelle demo --data /tmp/pools")(demo.demo)
app.add_typer(account.app, name="account")
app.add_typer(user.app, name="user")
app.add_typer(site.app, name="site")
app.add_typer(store.app, name="store")
app.add_typer(tls.app, name="tls")
app.command(epilog="Example: margelle status --json")(status.status)
app.command(epilog="Example: margelle export --site ondilo:234 --quantity ph --since 2026-01-01 --output ph.csv")(
    export.export
)
app.command("import", epilog="Example: margelle import pool.csv --dry-run")(bring.bring)
app.command(epilog="Example: margelle measure own:garden-pool ph=7.4 temperature=78°F --by strip")(measure.measure)
app.command(epilog="Example: margelle review --again")(review.review)
app.command(epilog="Example: margelle settings --set port=9000")(settings.settings)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"margelle {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The settings file. Default: margelle.toml in the data folder.")
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting, over file and environment. May be repeated."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log much, and show stack traces.")] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Keep the options of the whole command line for the command."""
    context.obj = Invocation(config, dict(_pair(pair) for pair in pairs or ()), debug)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"--set {text!r} has no value.", hint="It is --set name=value, such as --set port=9000.")
    return name.strip(), value


def run(arguments: list[str]) -> int:
    """Run the command in `arguments`; the exit code."""
    try:
        app(hoisted(arguments), prog_name="margelle")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        return _failed(_first(error), debug="--debug" in arguments)
    return Exit.OK


def _failed(error: Exception, *, debug: bool) -> Exit:
    if debug:
        import traceback

        from margelle.redaction import redact

        note(redact("".join(traceback.format_exception(error))))
    if isinstance(error, MargelleError):
        return report(error)
    if isinstance(error, OSError) and error.strerror:  # a full disk below our standard output, a name too long
        return report(MargelleError(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror}."))
    what = f"Something unexpected went wrong ({type(error).__name__}: {error!s:.200})."
    return report(MargelleError(what, hint="Please report it, with what --debug prints."))


def _first(error: Exception) -> Exception:
    """The first error of ours in a group, else the first one; an error that is no group is itself."""
    if not isinstance(error, ExceptionGroup):
        return error
    known = error.subgroup(MargelleError) or error
    return _first(known.exceptions[0])


def hoisted(arguments: list[str]) -> list[str]:
    """`arguments` with the root's options in front, wherever they stood before `--`."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in _EVERYWHERE:
            front += [argument, *([next(waiting, "")] if _EVERYWHERE[argument] else [])]
        elif argument.split("=", 1)[0] in _EVERYWHERE:
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest
