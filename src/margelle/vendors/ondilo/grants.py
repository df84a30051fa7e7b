"""The token endpoint (RFC 6749, 4.1.3 and 6), as lenient as Ondilo's: who asks is told by the code or the refresh token alone.

Refresh tokens neither expire nor change: several clients keep the first one for ever, and store what comes back without looking.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from margelle.errors import BadInput
from margelle.ports import FaceContext, Grant
from margelle.vendors.form import body, parameters
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.answers import options
from margelle.vendors.ondilo.profile import Profile
from margelle.vendors.ondilo.redirect import same_uri
from margelle.vendors.refusal import NOT_KEPT, granted, not_posted, refusal


class TokenEndpoint:
    """POST /oauth2/token, as an ASGI application."""

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        self._desk = context.desk
        self._life_s = profile.access_token_life_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            answer = options("POST", "OPTIONS")
        else:
            answer = await self._post(receive) if scope["method"] == "POST" else not_posted("POST, OPTIONS")
        await answer(scope, receive, send)

    async def _post(self, receive: Receive) -> Response:
        try:
            form = parameters(await body(receive))
        except BadInput as error:
            return refusal("invalid_request", error.what)
        return await granted(form, {"authorization_code": self._by_code, "refresh_token": self._by_refresh})

    async def _by_code(self, form: dict[str, str]) -> Response:
        if not form.get("code"):
            return refusal("invalid_request", "The parameter code is missing.")
        grant = await self._desk.take_code(form["code"])
        if grant is None:
            return refusal("invalid_grant", "The code is unknown, used up or has expired.")
        if wrong := _unlike(form, grant):
            return refusal("invalid_grant", f"The code was given for another {wrong}.")
        refresh = await self._desk.issue("refresh", grant.user, life_s=None, client_id=grant.client_id)
        return await self._token(grant.user, refresh, grant.client_id)

    async def _by_refresh(self, form: dict[str, str]) -> Response:
        refresh = form.get("refresh_token", "")
        if not refresh:
            return refusal("invalid_request", "The parameter refresh_token is missing.")
        user = await self._desk.holder("refresh", refresh)
        if user is None:
            return refusal("invalid_grant", "Invalid refresh token")
        return await self._token(user.email, refresh, form.get("client_id", ""))

    async def _token(self, user: str, refresh: str, client_id: str) -> Response:
        access = await self._desk.issue("access", user, life_s=self._life_s, client_id=client_id)
        # The type in this spelling, the scope in this very word: IPSymcon and oauthlib refuse any other.
        token = wire.TokenAnswer(access, max(1, int(self._life_s)), "Bearer", "api", refresh)
        return Response(msgspec.json.encode(token), headers=NOT_KEPT, media_type="application/json")


def _unlike(form: dict[str, str], grant: Grant) -> str | None:
    """What a client says otherwise now than when the code was given; a client that does not say it again is believed."""
    if form.get("client_id", grant.client_id) != grant.client_id:
        return "client_id"
    uri = form.get("redirect_uri")
    return "redirect_uri" if uri and not same_uri(uri, grant.redirect_uri) else None
