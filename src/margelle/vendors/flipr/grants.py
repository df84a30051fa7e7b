"""The token endpoint: a login for a token of 270 days, and a refresh token for another one ("Récupération du token").

Refresh tokens neither expire nor change. Whatever else a client sends (a scope, a client's id and secret) is ignored.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from margelle.domain.site import User
from margelle.errors import BadInput, Limited, Refused
from margelle.ports import FaceContext
from margelle.vendors.endpoint import address
from margelle.vendors.failure import RETRY_AFTER_S
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.profile import Profile
from margelle.vendors.form import body, pairs, parameters
from margelle.vendors.refusal import NOT_KEPT, granted, not_posted, refusal

WRONG_LOGIN: Final = "The user name or password is incorrect."


class TokenEndpoint:
    """POST /OAuth2/token, as an ASGI application; a GET with a form in its body does as well."""

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        self._desk = context.desk
        self._life_s = profile.access_token_life_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        taken = scope["method"] in {"POST", "GET"}
        answer = await self._granted(scope, receive) if taken else not_posted("POST")
        await answer(scope, receive, send)

    async def _granted(self, scope: Scope, receive: Receive) -> Response:
        try:
            form = parameters(await body(receive))
            if scope["method"] == "POST":  # some scripts write the form where a query stands
                form = dict(pairs(scope["query_string"].decode("latin-1"))) | form
        except BadInput as error:
            return refusal("invalid_request", error.what)
        by_password = partial(self._by_password, address(scope))
        return await granted(form, {"password": by_password, "refresh_token": self._by_refresh})

    async def _by_password(self, address: str, form: dict[str, str]) -> Response:
        login, password = form.get("username", "").strip(), form.get("password", "")
        if not login or not password:
            return refusal("invalid_grant", WRONG_LOGIN)
        try:
            user = await self._signed_in(login, password, address)
        except Refused:
            return refusal("invalid_grant", WRONG_LOGIN)
        except Limited as error:
            return refusal("temporarily_unavailable", error.what, 429, error.retry_after_s or RETRY_AFTER_S)
        return await self._token(user.email, await self._desk.issue("refresh", user.email, life_s=None))

    async def _signed_in(self, login: str, password: str, address: str) -> User:
        """A `+` of an e-mail address that was not percent-encoded has become a space, which hardly any address has."""
        try:
            return await self._desk.sign_in(login, password, address)
        except Refused:
            if " " not in login:
                raise
            return await self._desk.sign_in(login.replace(" ", "+"), password, address)

    async def _by_refresh(self, form: dict[str, str]) -> Response:
        refresh = form.get("refresh_token", "")
        user = await self._desk.holder("refresh", refresh) if refresh else None
        if user is None:
            return refusal("invalid_grant", "The refresh token is unknown.")
        return await self._token(user.email, refresh)

    async def _token(self, user: str, refresh: str) -> Response:
        access = await self._desk.issue("access", user, life_s=self._life_s)
        token = wire.TokenAnswer(access, "bearer", max(1, int(self._life_s) - 1), refresh)
        return Response(msgspec.json.encode(token), headers=NOT_KEPT, media_type="application/json; charset=utf-8")
