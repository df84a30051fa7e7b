"""What the evidence of a vendor covers: each request, wire field and word with the foreign bytes in which it occurs, and every exception."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, cast, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import fields, replace
from starlette.routing import Match, Route
from tests.evidence import HERE, exchanges, facts, provenance
from tests.vendors.contract.test_source import asks
from tests.vendors.fakes import FakeHttp, FakeTokens
from tests.vendors.parties import PARTIES, Moment, Party

from margelle.domain.site import Probe
from margelle.errors import MargelleError, Unreachable
from margelle.ports import Answer, Clock, FaceContext, HistorySource, Request
from margelle.vendors.flipr import wire as flipr
from margelle.vendors.ondilo.translate import TERMS

BLOB: Final = "../../tests/evidence"
"""Where the evidence is, seen from the page."""

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "ondilo": tuple(term.data_type for term in TERMS),
    "flipr": get_args(flipr.Sector),
    "baxo": tuple(facts("baxo", "lists")["services"]),
}
"""The vendor's own words that mean something to us: the types of measure, the sectors of a deviation, the services."""


class Asked(Struct, frozen=True):
    """A request that somebody makes: `by` whom, and where that is known from."""

    method: str
    path: str
    query: str
    body: str
    by: str
    source: str


class Recorder:
    """A cloud that answers as the evidence does, and keeps what it was asked."""

    def __init__(self, moment: Moment) -> None:
        self._cloud = FakeHttp(**moment.answers)
        self._known = set(moment.answers)
        self.requests: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.name.replace("/", "_") not in self._known:
            raise Unreachable("There is no evidence of an answer.")
        return await self._cloud.ask(request)


def page(party: Party) -> str:
    """The page of one vendor."""
    tests = importlib.import_module(f"tests.vendors.{party.name}.test_evidence")
    parts = (
        f"# {party.vendor.title}: what is covered by evidence\n\n"
        f"Written by `make docs` from `tests/evidence/{party.name}` and the lists of its tests. Evidence is foreign: what the vendor's document prints, and what\n"
        f"programs of others send and were sent. [The vendor's page]({party.name}.md) says what Margelle makes of it.\n",
        _requests(party),
        _answers(party),
        _fields(party, tests.SEEN, tests.UNSEEN),
        _words(party),
        _lists(party),
        _exceptions(party, tests),
    )
    return "\n".join(parts)


# --- requests


def _requests(party: Party) -> str:
    ours = asyncio.run(_made(party))
    rows = [
        f"| {_code(_shown(one))} | {one.by} | {one.source} | {_code(ours.get(of, '')) or 'never'} | {_code(of)} |\n"
        for one in _known(party)
        if (of := operation(party, one))
    ]
    return f"""\
## Requests

`client` is the operation by which Margelle's own client asks for the same, `face` what answers it. Logins and tokens are left out.

| request | of whom | known from | client | face |
|---|---|---|---|---|
{"".join(rows)}"""


def _known(party: Party) -> Iterator[Asked]:
    sources = provenance(party.name)
    for said in exchanges(party.name):
        one, file = said.request, f"{said.name}.json"
        link = f"[{file}]({BLOB}/{party.name}/{file}): {sources[file]['section']}"
        yield Asked(one.method, one.path, one.query, one.body, "the document", link)
    for one in facts(party.name, "requests"):
        by, known = one["client"], sources["facts/requests.json"][one["client"]]
        yield Asked(one["method"], one["path"], one.get("query", ""), one.get("body", ""), by, known)


def _shown(one: Asked) -> str:
    """The request without what is secret; of a body, the names only."""
    hidden = {"username", "password", "login", "code", "refresh_token", "client_secret", "state", "redirect_uri"}
    query = urlencode(
        [pair for pair in parse_qsl(one.query, keep_blank_values=True) if pair[0] not in hidden], safe="[],"
    )
    return f"{one.method} {one.path}" + (f"?{query}" if query else "") + (" with a body" if one.body else "")


def operation(party: Party, one: Asked) -> str:
    """Which part of the face answers: its path, or the service where there is one path for all."""
    service = re.search(r'(?:\bget=|"get"\r\n\r\n|"get": ?")([\w-]+)', f"{one.query}&{one.body}")
    if party.name == "baxo" and service:
        return service[1]
    nothing = cast("Any", None)
    for route in party.vendor.face(FaceContext(nothing, nothing, nothing, nothing, nothing, nothing, {})):
        scope = {"type": "http", "path": one.path, "method": one.method, "root_path": ""}
        if isinstance(route, Route) and "path:path" not in route.path and route.matches(scope)[0] is not Match.NONE:
            return route.path
    raise LookupError(f"no route answers {one.method} {one.path}")


async def _made(party: Party) -> dict[str, str]:
    """Of everything that our client asks for: by what answers it, the client's name of it."""
    asked: list[Request] = []
    for moment in party.moments:
        http = Recorder(moment)
        for installation in _installations(party):
            await _collected(installation, http, moment.now)
        connector = party.vendor.connect(party.vendor.base_url, http, _always(moment.now))
        for signing in (connector.sign_in("a", "b"), connector.redeem("c", "https://example.com/api")):
            await _tried(signing)
        asked += http.requests
    made: dict[str, str] = {}
    for request in asked:
        form = urlencode(request.form or ())
        one = Asked(request.method, urlsplit(request.url).path, urlencode(request.query), form, "", "")
        made.setdefault(operation(party, one), request.name)
    return made


def _always(now: datetime) -> Clock:
    return lambda: now


def _installations(party: Party) -> Iterator[Party]:
    """The party, and the same with each other choice of a setting: some requests are made only then."""
    yield party
    for setting in party.vendor.settings if party.vendor.configure else ():
        for choice in setting.choices:
            if choice != setting.default:
                yield replace(party, settings=party.settings | {setting.name: choice})


async def _collected(party: Party, http: Recorder, now: datetime) -> None:
    """Whatever a source can be asked."""
    source = party.source(party.account("john@doe.org"), http, FakeTokens())
    found = await source.discover(now)
    for site, probe in zip(found.sites, found.probes, strict=True):
        every = dict(asks(source, site, probe, party))
        if isinstance(source, HistorySource):
            every |= {"history": _all_of(source, probe, source.remembered(site), now)}
        for ask in every.values():
            await _tried(ask())


def _all_of(
    source: HistorySource, probe: Probe, quantities: Iterable[str], now: datetime
) -> Callable[[], Awaitable[Any]]:
    async def ask() -> None:
        for quantity in quantities:
            await source.history(probe, quantity, "week", now)

    return ask


async def _tried(asking: Awaitable[Any]) -> None:
    try:
        await asking
    except MargelleError:
        return


# --- answers, fields, words


def _answers(party: Party) -> str:
    if not (HERE / party.name / "facts" / "answers.json").exists():
        return "## Answers beyond the document\n\nNone is known.\n"
    sources = provenance(party.name)["facts/answers.json"]
    rows = [
        f"| {one['what']} | {_code(one['operation'])} | {one['status']} | {sources[one['what']]} |\n"
        for one in facts(party.name, "answers")
    ]
    return f"""\
## Answers beyond the document

In [answers.json]({BLOB}/{party.name}/facts/answers.json).

| what | operation | status | known from |
|---|---|---:|---|
{"".join(rows)}"""


def _told(vendor: str) -> dict[str, Any]:
    """Every answer that is JSON, by where it stands."""
    told = {f"{said.name}.json": said.response.text for said in exchanges(vendor)}
    if (HERE / vendor / "facts" / "answers.json").exists():
        told |= {f"“{one['what']}”": one["body"] for one in facts(vendor, "answers")}
    return {name: json.loads(text) for name, text in told.items() if text[:1] in {"{", "[", '"'}}


def _objects(told: Any) -> Iterator[dict[str, Any]]:
    if isinstance(told, dict):
        yield told
        for value in told.values():
            yield from _objects(value)
    elif isinstance(told, list):
        for one in told:
            yield from _objects(one)


def _fields(party: Party, seen: dict[type[Struct], list[dict[str, Any]]], unseen: dict[str, dict[str, str]]) -> str:
    told = {name: list(_objects(answer)) for name, answer in _told(party.name).items()}
    rows = []
    for kind, objects in seen.items():
        joined = [one for one in objects if not any(one in of for of in told.values())]  # from several of an answer
        for one in fields(kind):
            name = one.encode_name
            where = [file for file, of in told.items() if _tells(of, name, objects, joined)]
            reason = unseen.get(kind.__name__, {}).get(name) or unseen.get(kind.__name__, {}).get(one.name)
            rows.append(f"| {_code(kind.__name__)} | {_code(name)} | {', '.join(where) or f'none: {reason}'} |\n")
    return f"""\
## Fields of answers

| type | field | occurs in |
|---|---|---|
{"".join(rows)}"""


def _tells(answer: list[Any], name: str, objects: list[dict[str, Any]], joined: list[dict[str, Any]]) -> bool:
    """Whether an answer has the field in one of the objects, or in a part of one that was joined."""
    return any(
        name in found and (found in objects or any(found.items() <= whole.items() for whole in joined))
        for found in answer
    )


def _words(party: Party) -> str:
    asked: dict[str, str] = {}
    for one in _known(party):
        who = f"a request of {one.by}"
        asked[who] = f"{asked.get(who, '')} {one.path}?{one.query}&{one.body}"
    told = {name: json.dumps(answer, ensure_ascii=False) for name, answer in _told(party.name).items()}
    lists = {"lists.json": json.dumps(facts(party.name, "lists"))}
    rows = []
    for word in WORDS[party.name]:
        whole = re.compile(rf"(?<![A-Za-z_-]){word}(?![A-Za-z_-])")
        where = [name for name, text in told.items() if f': "{word}"' in text]
        where += [name for name, text in asked.items() if whole.search(text)]
        where += [name for name, text in lists.items() if f'"{word}"' in text]
        rows.append(f"| {_code(word)} | {', '.join(where)} |\n")
    return f"""\
## Words

| word | occurs in |
|---|---|
{"".join(rows)}"""


def _lists(party: Party) -> str:
    sources = provenance(party.name)["facts/lists.json"]
    rows = "".join(f"| {_code(name)} | {sources[name]} |\n" for name in facts(party.name, "lists"))
    return f"""\
## Lists

Allowed values, units, constants, in [lists.json]({BLOB}/{party.name}/facts/lists.json); the tests hold the code against them.

| list | known from |
|---|---|
{rows}"""


def _exceptions(party: Party, tests: Any) -> str:
    """Whatever no evidence shows, and what of the evidence is not read, each with its reason."""
    rows = [
        f"| {_code(f'{kind}.{name}')} | {reason} |\n"
        for kind, of in tests.UNSEEN.items()
        for name, reason in of.items()
    ]
    for kind, names in getattr(tests, "IGNORED", {}).items():
        rows += [
            f"| {_code(f'{kind}.{name}')} | told, and not read: {tests.IGNORED_BECAUSE} |\n" for name in sorted(names)
        ]
    for path, reason in (getattr(tests, "NOT_A_FOREIGN_ROUTE", {}) | getattr(tests, "UNASKED", {})).items():
        rows.append(f"| the route {_code(path)} | {reason} |\n")
    for said in exchanges(party.name):
        if said.response.note:
            rows.append(f"| the print of {said.name}.json | repaired: {said.response.note} |\n")
    return f"""\
## Exceptions

| what | why |
|---|---|
{"".join(rows)}"""


def _code(text: str) -> str:
    return f"`{text.replace('|', '&#124;')}`" if text else ""


PAGES: Final = {f"vendors/coverage-{party.name}.md": party for party in PARTIES}
