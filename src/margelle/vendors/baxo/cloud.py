"""Asking BAXO Connect as one account: one address, and the login in the form of every request."""

from __future__ import annotations

from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

from msgspec import Raw

from margelle.domain.site import Account
from margelle.errors import Conflict, Malformed, Refused
from margelle.phrase import Phrase
from margelle.ports import Answer, Http, Request, Token, Tokens
from margelle.vendors.answer import Entries, entries, refusal, said, value
from margelle.vendors.login import LoginOnly

T = TypeVar("T")
Parameters = tuple[tuple[str, str], ...]

BASE_URL: Final = "https://api.bamo.fr"
PATH: Final = "/k1"
"""2.1 Adresse de base."""

SIGN_IN_AGAIN: Final = "Sign in again with `margelle account add baxo --login …`."
CONTRACTS: Final = "contracts"
"""The service that every login may ask. A 403 to it is about the login; to any other, about the one contract, device or tag that was asked for."""

MAY_NOT: Final = "The contract's administrator decides that; the login itself is still good."
ACTIVATE: Final = (
    "Use the e-mail and password of BAXO Connect; the API must also have been activated for them by the administrator."
)


class Cloud:
    """One account's way to its cloud. Every method is one request.

    The password goes with each: the document wants it once a day, but says neither whose day nor how the next request is known to be from us.
    """

    def __init__(self, account: Account, http: Http, tokens: Tokens) -> None:
        self._account = account
        self._http = http
        self._tokens = tokens

    async def ask(self, name: str, get: str, parameters: Parameters = ()) -> Answer:
        """The answer with status 200; every other one is raised as what it means."""
        return await self._asked(name, (("get", get), *parameters))

    async def ask_next(self, name: str, url: str) -> Answer:
        """The page at `url`, of which only the query counts: our login goes nowhere else than to our own cloud."""
        given = tuple(pair for pair in parse_qsl(urlsplit(url).query) if pair[0] not in {"username", "password"})
        if not given:
            raise Malformed(f"{name}: the address of the next page says nothing.", phrase=Phrase("cloud.no_next"))
        return await self._asked(name, given)

    async def _asked(self, name: str, parameters: Parameters) -> Answer:
        password = await self._tokens.access(_renewed)
        base_url = self._account.base_url or BASE_URL
        answer = await asked(self._http, base_url, name, (self._account.login, password), parameters)
        if answer.status == 403 and ("get", CONTRACTS) not in parameters:
            what = said(answer.body)
            phrase = Phrase("baxo.may_not", {"said": what})
            raise Conflict(f"The cloud does not let this login do it: {what}", hint=MAY_NOT, phrase=phrase)
        if answer.status in {401, 403}:
            await self._tokens.reject(password)
            what = said(answer.body)
            phrase = Phrase("login.refused", {"said": what})
            raise Refused(f"The cloud refused the login: {what}", hint=SIGN_IN_AGAIN, phrase=phrase)
        if answer.status != 200:
            raise refusal(answer)
        return answer


class BaxoConnector(LoginOnly):
    """Signs a user in: the password itself is what is kept, encrypted, since every request needs it."""

    no_page = "BAXO Connect has no page to sign in with a browser."
    instead = "Give the login here: margelle account add baxo --login you@example.org"

    async def sign_in(self, login: str, password: str) -> Token:
        """The password as a token, after it has opened the list of contracts. How a refusal looks is not documented."""
        answer = await asked(self._http, self._base_url, "contracts", (login, password), (("get", "contracts"),))
        if answer.status in {400, 401, 403}:
            what = said(answer.body)
            phrase = Phrase("baxo.activate", {"said": what})
            raise Refused(f"The cloud refused the login: {what}", hint=ACTIVATE, phrase=phrase)
        if answer.status != 200:
            raise refusal(answer)
        if "contracts" not in value(answer.body, dict[str, Raw], "contracts"):
            what = said(answer.body)
            phrase = Phrase("baxo.activate", {"said": what})
            raise Refused(f"The cloud tells no contracts, but {what}", hint=ACTIVATE, phrase=phrase)
        return Token(password)


async def asked(http: Http, base_url: str, name: str, login: tuple[str, str], parameters: Parameters) -> Answer:
    """One request, all of it in the form, as 2.2 recommends for the password."""
    form = (("username", login[0]), ("password", login[1]), *parameters)
    return await http.ask(Request(name, "POST", base_url.rstrip("/") + PATH, form=form, redirects=False))


def listed(raw: Raw, kind: type[T], where: str) -> Entries[T]:
    """The list within an answer; an entry or field that is wrong becomes a fault. Raises Malformed where it is no list."""
    return entries(bytes(raw), kind, where)


def envelope(answer: Answer, kind: type[T], where: str) -> T:
    """The object that holds the list. Raises Malformed, with what was told instead."""
    try:
        return value(answer.body, kind, where)
    except Malformed as error:
        raise Malformed(f"{error.what} It says: {said(answer.body)}", phrase=error.phrase) from None


async def _renewed(_: Token) -> Token:
    raise Refused("The cloud no longer takes the password.", hint=SIGN_IN_AGAIN, phrase=Phrase("login.over"))
