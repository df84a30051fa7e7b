"""Whatever a client asks, a face answers in its vendor's own shape, and never with an error of ours."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import pytest
from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.site import Person, Probe, Site, User
from margelle.errors import (
    ConfigError,
    Conflict,
    Limited,
    Malformed,
    MargelleError,
    Misled,
    StoreError,
    Unavailable,
    Unreachable,
)
from margelle.ports import Discovery, Rate, Vendor
from margelle.serve.app import build
from margelle.store.memory import MemoryStore
from tests.asgi import Response, call
from tests.vendors.contract import EVERY_VENDOR
from tests.vendors.ondilo.house import FakeActions
from tests.vendors.pairs.house import HASH, LOGIN, PASSWORD, collect
from tests.vendors.parties import Caller, Party

OTHER: Final = "eve@doe.org"
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND")


class Hub(Struct):
    """A store in which one user has what the party's evidence tells, and another one nothing; and the face over it."""

    party: Party
    store: MemoryStore

    def app(self, *, quotas: bool = False, quota: tuple[Rate, ...] | None = None) -> Any:
        """A hub that has just started."""
        vendor: Vendor = self.party.vendor if quota is None else replace(self.party.vendor, quota=quota)
        now = self.party.moments[0].now + timedelta(seconds=1)
        settings = {self.party.name: self.party.settings}
        return build(self.store, [vendor], settings, lambda: now, FakeActions(self.store), pages=False, quotas=quotas)

    async def caller(self, login: str = LOGIN) -> Caller:
        """Somebody who signed in."""
        app = self.app()
        return Caller(self.party, app, await self.party.sign_in(app, login, PASSWORD))


async def hub(party: Party) -> Hub:
    """What every test here starts from."""
    one = Hub(party, MemoryStore())
    for login in (LOGIN, OTHER):
        await one.store.put_user(User(login, HASH))
    await collect(one.store, party, 0)
    return one


async def send(one: Caller, path: str, method: str = "GET", credentials: str | None = None, **headers: str) -> Response:
    """A request for a path by any method."""
    knock = one.party.knock(path, one.credentials if credentials is None else credentials)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await call(one.app, method, knock.target, knock.headers | named, knock.body)


def refused(party: Party, said: Response, path: str) -> None:
    """An error of the client's, in the vendor's shape."""
    assert 400 <= said.status < 500, (path, said.status)
    party.refused(said)


@EVERY_VENDOR
async def test_every_path_answers_who_may_and_nobody_else(party: Party) -> None:
    one = await (await hub(party)).caller()
    tour = await party.tour(one)
    assert len(tour) > 4
    for path in tour:
        assert (await one.ask(path)).status == 200
        for nobody in ("", "x", "a" * 5000):
            said = await send(one, path, credentials=nobody)
            assert said.status in {400, 401}, path  # 400 where the login itself is missing
            refused(party, said, path)


@EVERY_VENDOR
async def test_somebody_elses_things_are_not_there(party: Party) -> None:
    there = await hub(party)
    tour = await party.tour(await there.caller())
    await there.store.put_account(replace(party.account(OTHER), id="eves"))
    found = (await there.store.accounts(OTHER))[0]
    site = Site(f"{party.name}@eves:1", party.name, "1", "Eve's")
    probe = Probe(f"{site.id}/probe", site.id, party.name, "c/1", "1")
    await there.store.put_discovery(found.id, Discovery(Person(), (site,), (probe,)), party.moments[0].now)
    eve = await there.caller(OTHER)
    hers = await party.tour(eve)
    for path in set(tour) - set(hers):
        said = await eve.ask(path)
        assert said.status == 404, path
        party.refused(said)


@EVERY_VENDOR
async def test_what_is_not_known_yet_is_unavailable_for_a_while_and_never_an_empty_list(party: Party) -> None:
    there = await hub(party)
    eve = await there.caller(OTHER)
    for path in await party.tour(await there.caller()):
        said = await eve.ask(path)
        if said.status == 503:
            assert int(said.headers["retry-after"]) > 0
            party.refused(said)
        else:
            assert path != party.lists
            assert said.status == 200
            assert said.json() not in ([], {})


@EVERY_VENDOR
async def test_a_store_that_cannot_be_read_is_unavailable_and_says_nothing_of_itself(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await hub(party)
    one = await there.caller()

    async def broken(*_: object, **__: object) -> None:
        raise StoreError("The file /var/secret/place is full.", hint="Delete something.")

    monkeypatch.setattr(type(there.store), "sites", broken)
    said = await one.ask(party.lists)
    assert said.status == 503
    assert int(said.headers["retry-after"]) > 0
    party.refused(said)
    assert "secret" not in said.text


@pytest.mark.parametrize(
    "kind", [Malformed, ConfigError, Conflict, Limited, Unreachable, Misled, Unavailable, MargelleError]
)
@EVERY_VENDOR
async def test_no_error_of_ours_is_a_500(
    party: Party, kind: type[MargelleError], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await hub(party)
    one = await there.caller()

    async def fails(*_: object, **__: object) -> None:
        raise kind("It went wrong.")

    monkeypatch.setattr(type(there.store), "sites", fails)
    said = await one.ask(party.lists)
    assert said.status in {400, 409, 429, 502, 503}
    assert ("retry-after" in said.headers) == (said.status in {429, 503})
    party.refused(said)


@EVERY_VENDOR
async def test_a_method_that_is_not_for_a_path_is_refused_with_those_that_are(party: Party) -> None:
    one = await (await hub(party)).caller()
    for path in await party.tour(one):
        allowed = set(re.split(", *", (await send(one, path, "PROPFIND")).headers["allow"]))
        assert {"GET", "HEAD"} <= allowed <= set(METHODS)
        for method in METHODS:
            said = await send(one, path, method)
            assert (said.status == 405) == (method not in allowed), (path, method, said.status)
            if said.status == 405:
                party.refused(said)
                assert set(re.split(", *", said.headers["allow"])) == allowed


@EVERY_VENDOR
async def test_head_is_get_without_its_body(party: Party) -> None:
    one = await (await hub(party)).caller()
    for path in await party.tour(one):
        head, get = await send(one, path, "HEAD"), await send(one, path)
        assert (head.status, head.headers) == (get.status, get.headers), path


@EVERY_VENDOR
async def test_nothing_is_compressed_or_set_as_a_cookie(party: Party) -> None:
    one = await (await hub(party)).caller()
    for path in await party.tour(one):
        for encoding in ("gzip, deflate", "br, zstd", "*", "identity;q=0"):
            said = await send(one, path, accept_encoding=encoding)
            assert not {"content-encoding", "set-cookie"} & set(said.headers)
        assert said.headers["content-type"].startswith("application/json")
        assert said.headers["cache-control"] == "no-store"


@EVERY_VENDOR
async def test_beyond_the_vendors_quota_a_client_is_told_when_to_come_back(party: Party) -> None:
    there = await hub(party)
    app = there.app(quotas=True, quota=(Rate(2, 60),))
    one = Caller(party, app, await party.sign_in(app, LOGIN, PASSWORD))
    answers = [await one.ask(party.lists) for _ in range(4)]
    assert [said.status for said in answers] == [200, 200, 429, 429]
    for said in answers[2:]:
        assert 0 < int(said.headers["retry-after"]) <= 60
        assert said.json()
    eve = Caller(party, app, await party.sign_in(app, OTHER, PASSWORD))
    assert (await eve.ask(party.lists)).status == 503


@EVERY_VENDOR
async def test_ids_are_those_of_before_after_a_restart(party: Party) -> None:
    there = await hub(party)
    tour = await party.tour(await there.caller())
    assert await party.tour(await there.caller()) == tour
    await collect(there.store, party, -1)
    assert await party.tour(await there.caller()) == tour


STRANGE: Final = (
    "0", "-1", "007", "999999999999999999999999", "%00", "%FF%FE", "%C3%A9", "%2e%2e", "%2F", "1e9", "NaN", "null", "'", '%22', "%3Cb%3E",
    "1%0d%0aSet-Cookie:%20a=b", "a" * 3000,
)  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE, ids=lambda strange: strange[:20])
@EVERY_VENDOR
async def test_an_id_or_number_that_makes_no_sense_is_the_clients_error(party: Party, strange: str) -> None:
    one = await (await hub(party)).caller()
    for path in await party.tour(one):
        for part in set(re.findall(r"(?<=[=/])[A-Za-z]*\d[\w-]*(?=[/?&]|$)", path)):
            for whole in (strange, part + strange):
                said = await one.ask(path.replace(part, whole))
                assert said.status == 200 or 400 <= said.status < 500, (path, whole, said.status)
                assert "set-cookie" not in said.headers
                if said.status != 200:
                    party.refused(said)


@EVERY_VENDOR
async def test_what_is_nowhere_is_refused_in_the_vendors_shape(party: Party) -> None:
    one = await (await hub(party)).caller()
    for path in (party.lists + "x", party.lists.replace(party.lists[-3:], "é".encode().hex()), party.lists + "%00"):
        refused(party, await one.ask(path), path)


@EVERY_VENDOR
async def test_what_is_too_large_is_the_clients_error(party: Party) -> None:
    one = await (await hub(party)).caller()
    knock = party.knock(party.lists, one.credentials)
    large = b"a" * (2 << 20)
    for chunks in (None, [large[: 1 << 19]] * 5):
        said = await call(one.app, "POST", knock.target, knock.headers, b"" if chunks else large, chunks=chunks)
        assert said.status in {400, 405, 413}
        assert said.json()
    joint = "&" if "?" in knock.target else "?"
    for query in ("a=" + "b" * 100_000, "&".join(f"k{n}={n}" for n in range(5000)), "&" * 50_000, "%" * 999, "a=%ff"):
        said = await call(one.app, "GET", knock.target + joint + query, knock.headers)
        assert said.status == 200 or 400 <= said.status < 500
        if said.status != 200:
            party.refused(said)


@pytest.mark.parametrize(
    "header",
    [
        {"accept": "text/html"}, {"accept": "image/png;q=0"}, {"accept-language": "\xff" * 500}, {"content-type": "multipart/form-data"},
        {"content-type": "application/json; charset=utf-7"}, {"range": "bytes=0-1"}, {"if-none-match": "*"}, {"expect": "100-continue"},
        {"cookie": "a" * 9000}, {"x-http-method-override": "DELETE"}, {"content-encoding": "gzip"}, {"host": "evil.example"},
    ],
    ids=str,
)  # fmt: skip
@EVERY_VENDOR
async def test_no_header_changes_what_is_told(party: Party, header: dict[str, str]) -> None:
    one = await (await hub(party)).caller()
    knock = party.knock(party.lists, one.credentials)
    said = await call(one.app, "GET", knock.target, knock.headers | header)
    assert said.status == 200
    assert said.body == (await one.ask(party.lists)).body
