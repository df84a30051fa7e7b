"""`margelle user`: who may sign in to this hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from margelle.cli.terminal import JsonOption, invocation, note, password, run, say, say_json, table
from margelle.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from margelle.config import Settings
    from margelle.domain.access import Scope
    from margelle.domain.site import User
    from margelle.ports import Grant, Store

app = typer.Typer(
    help="Who may sign in to this hub. On its pages, and with clients on its faces.", no_args_is_help=True
)

Email = Annotated[str, typer.Argument(metavar="LOGIN", help="An e-mail address.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")
]


@app.command(epilog="Example: margelle user add anna@example.org --firstname Anna --language fr")
def add(
    context: typer.Context,
    email: Email,
    password_stdin: FromStdin = False,
    firstname: Annotated[str, typer.Option(metavar="NAME", help="First name, as clients show it.")] = "",
    lastname: Annotated[str, typer.Option(metavar="NAME", help="Last name, as clients show it.")] = "",
    language: Annotated[str, typer.Option(metavar="CODE", help="Language of the pages: en or fr.")] = "en",
) -> None:
    """Add a user.

    Asks for the password twice, without showing it. The first user is an operator, who may manage the hub itself.
    """
    from margelle.domain.site import User
    from margelle.serve.people import demand_email
    from margelle.serve.sign_in import hash_password

    settings = invocation(context).settings()
    demand_email(email)
    if language not in {"en", "fr"}:
        raise BadInput(f"There are no pages in the language {language!r}.", hint="Known: en, fr.")
    run(_demand_new(settings, email))
    hashed = hash_password(_password(email, from_stdin=password_stdin))
    run(_put(settings, User(email, hashed, firstname, lastname, language), new=True))
    say(f"{email} can sign in.")


@app.command("list", epilog="Example: margelle user list --json")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the users."""
    rows = run(_listed(invocation(context).settings()))
    if as_json:
        say_json(rows)
    elif rows:
        table(
            ("LOGIN", "NAME", "LANGUAGE", "ACCOUNTS", "OPERATOR"),
            [
                (
                    str(row["email"]),
                    f"{row['firstname']} {row['lastname']}".strip(),
                    str(row["language"]),
                    str(row["accounts"]),
                    "yes" if row["operator"] else "",
                )
                for row in rows
            ],
        )
    else:
        note("There is no user yet. Add one: margelle user add you@example.org")


@app.command(epilog="Example: pass show margelle | margelle user passwd anna@example.org --password-stdin")
def passwd(
    context: typer.Context,
    email: Email,
    password_stdin: FromStdin = False,
    keep_clients: Annotated[bool, typer.Option("--keep-clients", help="Leave clients and browsers signed in.")] = False,
) -> None:
    """Give a user another password.

    Their clients and browsers must then sign in again, unless you say --keep-clients.
    """
    from msgspec.structs import replace

    from margelle.serve.sign_in import hash_password

    settings = invocation(context).settings()
    user = run(_user(settings, email))
    hashed = hash_password(_password(user.email, from_stdin=password_stdin, prompt="New password"))
    run(_put(settings, replace(user, password_hash=hashed), sign_out=not keep_clients))
    say(f"{user.email} has another password.")


@app.command(epilog="Example: margelle user token anna@example.org --name dashboard --scope read --days 365")
def token(
    context: typer.Context,
    email: Email,
    days: Annotated[
        int | None, typer.Option(metavar="DAYS", min=1, max=36_500, help="How long it is good for. Default: for ever.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            help="What it is good for: read, measure, intervene, control or manage. May be repeated. Default: measure.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="What it is for, to find it again.")] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the user's tokens instead.")] = False,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Read a token from standard input, and take it back instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a token for the hub's own API.

    Prints it once: only its digest is kept. A client sends it as Authorization: Bearer TOKEN, and may then do what its scopes say and the user's
    roles allow. `margelle user passwd` takes back all of a user's tokens.
    """
    settings = invocation(context).settings()
    if list_:
        _show_keys(run(_keys(settings, email)), as_json=as_json)
    elif revoke:
        run(_revoke(settings, email, password(from_stdin=True)))
        say("The token is taken back.")
    else:
        say(run(_token(settings, email, days, _scopes(scope or ["measure"]), name)))


@app.command(epilog="Example: margelle user operator anna@example.org")
def operator(
    context: typer.Context,
    email: Email,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make them none again.")] = False,
) -> None:
    """Make a user an operator.

    Operators manage the hub itself: its users, organisations and settings. The only user of a hub is its operator anyway.
    """
    changed = run(_operator(invocation(context).settings(), email, operator=not revoke))
    say(f"{changed.email} is {'an operator now' if changed.operator else 'no operator any more'}.")


@app.command(epilog="Example: margelle user remove anna@example.org")
def remove(context: typer.Context, email: Email) -> None:
    """Remove a user.

    Their clients are signed out. Their accounts must be removed before; measurements stay.
    """
    settings = invocation(context).settings()
    run(_remove(settings, email))
    say(f"{email} can no longer sign in.")


def _password(email: str, *, from_stdin: bool, prompt: str = "Password") -> str:
    """A new password, good enough. Raises BadInput."""
    from margelle.serve.password import demand_good

    given = password(from_stdin=from_stdin, prompt=prompt)
    demand_good(given, email)
    return given


async def _demand_new(settings: Settings, email: str) -> None:
    from margelle.cli import house

    async with house.opened(settings) as home:
        if await home.store.user(email) is not None:
            raise Conflict(f"{email} is a user already.", hint="`margelle user passwd` gives them another password.")


async def _put(settings: Settings, user: User, *, new: bool = False, sign_out: bool = False) -> None:
    from margelle.cli import house

    async with house.opened(settings) as home:
        if new and await home.store.user(user.email) is not None:
            raise Conflict(
                f"{user.email} is a user already.", hint="`margelle user passwd` gives them another password."
            )
        if new:
            user = await _with_operator(home.store, user)
        await home.store.put_user(user)
        if sign_out:
            await home.store.drop_grants(user.email)
        await home.record("add user" if new else "password", user.email, "added" if new else "changed")


async def _with_operator(store: Store, user: User) -> User:
    """A new user, who is an operator if there is nobody else; and whoever was one by being alone is one by name."""
    from msgspec.structs import replace

    others = await store.users()
    if len(others) == 1 and not others[0].operator:
        await store.put_user(replace(others[0], operator=True))
    return replace(user, operator=not others)


async def _operator(settings: Settings, email: str, *, operator: bool) -> User:
    from margelle.cli import house
    from margelle.serve.people import People
    from margelle.serve.sign_in import FaceDesk

    async with house.opened(settings) as home:
        desk = FaceDesk("pages", home.store, home.clock)
        return await People(home.store, desk, home.clock).make_operator(email, None, operator=operator)


async def _user(settings: Settings, email: str) -> User:
    from margelle.cli import house

    async with house.opened(settings) as home:
        user = await home.store.user(email)
    if user is None:
        raise NotFound(f"There is no user {email!r}.", hint="`margelle user list` shows those there are.")
    return user


async def _remove(settings: Settings, email: str) -> None:
    from margelle.cli import house

    async with house.opened(settings) as home:
        await home.store.remove_user(email)
        await home.record("remove user", email, "removed")


async def _listed(settings: Settings) -> list[dict[str, str | int]]:
    from margelle.cli import house

    async with house.opened(settings) as home:
        return [
            {
                "email": user.email,
                "firstname": user.firstname,
                "lastname": user.lastname,
                "language": user.language,
                "accounts": len(await home.store.accounts(user.email)),
                "operator": user.operator,
            }
            for user in await home.store.users()
        ]


def _scopes(given: Sequence[str]) -> tuple[Scope, ...]:
    """Scopes by name, each once. Raises BadInput."""
    from margelle.domain.access import SCOPES

    for name in given:
        if name not in SCOPES:
            raise BadInput(f"There is no scope {name!r}.", hint=f"Known: {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in given)


async def _token(settings: Settings, email: str, days: int | None, scopes: tuple[Scope, ...], name: str) -> str:
    from margelle.cli import house
    from margelle.serve.keys import Keys

    user = await _user(settings, email)
    async with house.opened(settings) as home:
        token, _ = await Keys(home.store, home.clock).make(user.email, name or "token", scopes, days, by="")
        return token


async def _keys(settings: Settings, email: str) -> list[Grant]:
    from margelle.cli import house
    from margelle.serve.keys import Keys

    user = await _user(settings, email)
    async with house.opened(settings) as home:
        return await Keys(home.store, home.clock).of(user.email)


def _show_keys(keys: Sequence[Grant], *, as_json: bool) -> None:
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "scopes": list(one.scopes),
            "issued_at": f"{one.issued_at:%Y-%m-%dT%H:%M:%SZ}",
            "expires_at": f"{one.expires_at:%Y-%m-%dT%H:%M:%SZ}" if one.expires_at else None,
        }
        for one in keys
    ]
    if as_json:
        say_json(rows)
    elif rows:
        columns = ("ID", "NAME", "SCOPES", "SINCE", "UNTIL")
        table(
            columns,
            [
                (
                    str(row["id"]),
                    str(row["name"]),
                    ", ".join(one.scopes),
                    str(row["issued_at"]),
                    str(row["expires_at"] or ""),
                )
                for row, one in zip(rows, keys, strict=True)
            ],
        )
    else:
        note("There is no token yet. Make one: margelle user token LOGIN --name dashboard --scope read")


async def _revoke(settings: Settings, email: str, given: str) -> None:
    from margelle.cli import house
    from margelle.serve.keys import Keys

    user = await _user(settings, email)
    async with house.opened(settings) as home:
        await Keys(home.store, home.clock).revoke(user.email, given, by="")
