"""Who calls the hub's own API."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request

from margelle.domain.site import User
from margelle.errors import Refused
from margelle.serve.sign_in import FaceDesk


async def visitor(request: Request, desk: FaceDesk) -> User:
    """The user whose token (Bearer) or login (Basic) the request carries. Raises Refused and Limited."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = await desk.holder("access", given.strip())
        if user is not None:
            return user
        raise Refused("The token is nobody's, or has expired.", hint="`margelle user token` makes one.")
    if scheme.lower() == "basic":
        login, password = _login(given)
        return await desk.sign_in(login, password, request.client.host if request.client else "")
    raise Refused("Nobody has signed in.", hint="Send Authorization: Bearer TOKEN, or a login by Basic.")


def _login(given: str) -> tuple[str, str]:
    try:
        login, colon, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise Refused("The login could not be read.")
    return login, password
