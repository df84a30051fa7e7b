"""Where the user's browser comes back to after signing in at a vendor's cloud."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import typer

from margelle.cli.terminal import asked, note, say
from margelle.errors import BadInput, Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from margelle.ports import Connector, Token

PORT: Final = 19239
_PATIENCE_S: Final = 600

_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Margelle</title><style>body{{font:1.1rem system-ui;max-width:32rem;margin:15vh auto;padding:0 1rem}}</style>
<h1>{title}</h1><p>{text}</p></html>"""


async def token_by_browser(connector: Connector, port: int, *, open_browser: bool) -> Token:
    """The token of whoever signs in with a browser on this machine, which comes back to a port of ours. Raises Refused."""
    from margelle.cli import server

    state = secrets.token_urlsafe(24)
    url = connector.authorize_url(redirect_uri(port), state)
    with server.bind("127.0.0.1", port, "--callback-port ") as bound:
        say("Sign in with a browser on this machine:")
        say(f"  {url}")
        note("Waiting for it to come back. (On a machine without a browser: Ctrl-C, then --paste.)")
        if open_browser:
            typer.launch(url)
        stop: asyncio.Event = asyncio.Event()
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(server.serve(_app(answered, state), bound, stop))
        try:
            code = await asyncio.wait_for(answered, _PATIENCE_S)
        except TimeoutError as error:
            raise Unreachable(
                "The browser did not come back within ten minutes.", hint="Try again, or use --paste."
            ) from error
        finally:
            stop.set()
            await serving
    return await connector.redeem(code, redirect_uri(port))


async def token_by_paste(connector: Connector, port: int) -> Token:
    """The token of whoever signs in with a browser anywhere, and pastes the address at which it ends. Raises Refused, BadInput."""
    state = secrets.token_urlsafe(24)
    say("Open this in a browser on any machine, and sign in:")
    say(f"  {connector.authorize_url(redirect_uri(port), state)}")
    say(f"The browser then shows an error, at an address that begins with {redirect_uri(port)}.")
    pasted = asked("Paste that whole address")
    query = {name: values[0] for name, values in parse_qs(urlsplit(pasted.strip()).query).items()}
    return await connector.redeem(code_of(query, state), redirect_uri(port))


def redirect_uri(port: int) -> str:
    """The address on this machine to which the vendor's cloud sends the browser."""
    return f"http://localhost:{port}/callback"


def code_of(query: Mapping[str, str], state: str) -> str:
    """The code in a redirect's query. Raises Refused where the cloud refused, BadInput where it is not the answer to our question."""
    if query.get("error"):
        raise Refused(
            f"The cloud refused the login: {query['error'][:100]!r}.",
            hint="Use the e-mail and password of the vendor's app, which may differ from those of its web shop.",
        )
    if not hmac.compare_digest(query.get("state", "").encode("utf-8", "backslashreplace"), state.encode()):
        raise BadInput(
            "This answer belongs to another question (its state differs).",
            hint="Begin again, with the address printed last.",
        )
    if not query.get("code"):
        raise BadInput(
            "There is no code in this address.",
            hint="Paste the whole address, with all that follows the question mark.",
        )
    return query["code"]


def _app(answered: asyncio.Future[str], state: str) -> Starlette:
    from starlette.applications import Starlette as App
    from starlette.routing import Route

    async def callback(request: Request) -> Response:
        try:
            code = code_of(request.query_params, state)
        except BadInput as error:  # somebody else's request: go on waiting
            return _page(400, "That did not fit", error.what)
        except Refused as error:
            _settle(answered, error)
            return _page(200, "Not signed in", error.what)
        _settle(answered, code)
        return _page(200, "Signed in", "You can close this page and go back to the terminal.")

    return App(routes=[Route("/callback", callback)])


def _settle(answered: asyncio.Future[str], outcome: str | Refused) -> None:
    if answered.done():
        return
    if isinstance(outcome, str):
        answered.set_result(outcome)
    else:
        answered.set_exception(outcome)


def _page(status: int, title: str, text: str) -> Response:
    from html import escape

    from starlette.responses import HTMLResponse

    return HTMLResponse(
        _PAGE.format(title=title, text=escape(text)),
        status,
        headers={"cache-control": "no-store", "connection": "close"},
    )
