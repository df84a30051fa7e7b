"""The answer of a cloud's token endpoint (RFC 6749, 5), for every vendor that has one."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final, Protocol

from margelle.errors import Malformed, Refused
from margelle.phrase import Phrase
from margelle.ports import Answer, Token
from margelle.vendors.answer import refusal, said, value

SIGN_IN_AGAIN: Final = "Sign in again with `margelle account add`."

_REFUSALS: Final = {"invalid_grant", "invalid_client", "unauthorized_client", "access_denied"}
_LONGEST_LIFE_S: Final = 10 * 365 * 86_400


class Issued(Protocol):
    """What a vendor's wire type says of a token (RFC 6749, 5.1); a refresh may leave the refresh token out."""

    access_token: str
    expires_in: int | float | str | None
    refresh_token: str | None


def token_of(answer: Answer, kind: type[Issued], *, life_s: float, kept: str = "", hint: str = SIGN_IN_AGAIN) -> Token:
    """The token that came; `life_s` is how long it is good for where the cloud does not say, `kept` the refresh token if none came.

    Raises Refused, with `hint`, and what other refusals mean. Nothing of a token is quoted in an error: it holds secrets.
    """
    if answer.status in {401, 403} or (answer.status in {200, 400} and _error(answer.body) in _REFUSALS):
        what = said(answer.body)
        raise Refused(
            f"The cloud gave no token, and says: {what}", hint=hint, phrase=Phrase("token.refused", {"said": what})
        )
    if answer.status != 200:
        raise refusal(answer)
    try:
        given = value(answer.body, kind, "token")
    except Malformed:
        raise Malformed(
            "The token endpoint answered something that is no token.", phrase=Phrase("token.strange")
        ) from None
    if not given.access_token:
        raise Malformed("The token endpoint answered an empty token.", phrase=Phrase("token.empty"))
    life = timedelta(seconds=_life_s(given.expires_in, life_s))
    return Token(given.access_token, given.refresh_token or kept, answer.at + life)


def _error(body: bytes) -> str | None:
    try:
        given = value(body, dict[str, object], "token").get("error")
    except Malformed:
        return None
    return given if isinstance(given, str) else None


def _life_s(given: float | str | None, usual_s: float) -> float:
    """The token's life; some servers write it as text. One that cannot be true is taken as the usual one."""
    try:
        life_s = float(given) if given is not None else usual_s
    except (ValueError, OverflowError):
        return usual_s
    return life_s if math.isfinite(life_s) and 0 < life_s < _LONGEST_LIFE_S else usual_s
