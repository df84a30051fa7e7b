"""The whole way over real HTTP: a hostile cloud on loopback, our HTTP client, Ondilo's source, a store in a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from margelle.collect.loop import Collector
from margelle.domain.site import Account, User
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.net.oauth import TokenKeeper
from margelle.ports import Store, Token
from margelle.store import open_store
from margelle.store.vault import Vault
from margelle.vendors.answer import is_limit
from margelle.vendors.ondilo import ONDILO
from tests import hostile
from tests.collect.cloud import DAY, HOUR, START, VirtualClock, drive, hourly
from tests.evidence import exchange
from tests.hostile import Behaviour, Call, HostileCloud

API = "/api/customer/v1"
LAST = f"{API}/pools/234/lastmeasures"
PROBE = "ondilo:234/ico"
WINDOWS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}
TYPES = ("temperature", "ph", "orp", "tds", "battery", "rssi")


class Ondilo:
    """Ondilo's cloud with one pool, over the wire: the document's bodies, with measures of virtual time."""

    def __init__(self, clock: VirtualClock, server: HostileCloud, days: int = 2) -> None:
        self.clock = clock
        self.server = server
        self.instants = hourly(START - days * DAY, START + 10 * DAY)
        for name, path in (
            ("user-info", "/user/info"),
            ("user-units", "/user/units"),
            ("device", "/pools/234/device"),
            ("configuration", "/pools/234/configuration"),
            ("shares", "/pools/234/shares"),
        ):
            server.always(hostile.answer(200, exchange("ondilo", name).response.text.encode()), API + path)
        pools = [{**pool, "id": 234} for pool in exchange("ondilo", "pools").response.json[:1]]
        server.always(hostile.json(pools), f"{API}/pools")
        server.always(hostile.json([]), f"{API}/pools/234/recommendations")
        server.always(self.measures, f"{API}/pools/234/measures")
        server.always(self.token, "/oauth2/token")
        self.well()

    def well(self) -> None:
        self.server.always(self.lastmeasures, LAST)

    async def lastmeasures(self, call: Call) -> None:
        newest = [at for at in self.instants if at <= self.clock.now][-1]
        asked = [value for name, value in call.seen.query if name == "types[]"]
        await hostile.json([self.measure(one, newest) for one in TYPES if one in asked])(call)

    async def measures(self, call: Call) -> None:
        query = dict(call.seen.query)
        since = self.clock.now - WINDOWS[query["period"]]
        told = [at for at in self.instants if since <= at <= self.clock.now] if query["type"] in TYPES else []
        await hostile.json([self.measure(query["type"], at) for at in told])(call)

    def measure(self, data_type: str, at: datetime) -> dict[str, Any]:
        value = {
            "temperature": 20.5 + at.hour / 8,
            "ph": 7.2,
            "orp": 680 + at.hour,
            "tds": 900 + at.hour,
            "battery": 80,
            "rssi": 60,
        }[data_type]
        time = f"{at:%Y-%m-%d %H:%M:%S}"
        return {"data_type": data_type, "value": value, "value_time": time, "is_valid": True, "exclusion_reason": None}

    async def token(self, call: Call) -> None:
        if call.seen.form["refresh_token"] == "revoked":
            await hostile.json({"error": "invalid_grant", "error_description": "revoked"}, 400)(call)
        else:
            told = {"access_token": "4fc86e46", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "again"}
            await hostile.json(told)(call)


class Hub:
    """A hub with its store and budget in files, collecting accounts of that cloud."""

    def __init__(self, clock: VirtualClock, server: HostileCloud, folder: Path) -> None:
        self.clock = clock
        self.server = server
        self.folder = folder
        self.store: Store = open_store(str(folder / "hub.sqlite"), Vault.open(folder / "key"))
        self.https: list[CloudHttp] = []
        self.collector = Collector(
            self.store,
            {"ondilo": ONDILO},
            self.http,
            lambda one: TokenKeeper(one.id, self.store, clock),
            clock,
        )

    def http(self, account: Account) -> CloudHttp:
        budget = Budget(self.folder / "budget.sqlite", account.id, ONDILO.pace)
        self.https.append(CloudHttp(account.id, self.store, budget, self.clock, pause=self.pause, is_limit=is_limit))
        return self.https[-1]

    async def pause(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)

    async def add(self, name: str, refresh: str, realm: str = "") -> None:
        await self.store.put_user(User("ada@x.example", "$argon2id$none"))
        await self.store.put_account(Account(name, "ondilo", "ada@x.example", "ada", self.server.url, realm))
        keeper = TokenKeeper(name, self.store, self.clock)
        await keeper.keep(Token("first", refresh, self.clock.now + timedelta(minutes=30)))

    async def close(self) -> None:
        for http in self.https:
            await http.close()
        await self.store.close()


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """No real waiting between two attempts."""
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


@pytest.fixture
async def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def server() -> AsyncIterator[HostileCloud]:
    async with HostileCloud() as one:
        yield one


@pytest.fixture
async def hub(clock: VirtualClock, server: HostileCloud, tmp_path: Path) -> AsyncIterator[Hub]:
    one = Hub(clock, server, tmp_path)
    yield one
    await one.close()


def most_in_an_hour(http_at: list[datetime]) -> int:
    return max(sum(at <= other < at + HOUR for other in http_at) for at in http_at)


async def test_a_day_over_http_is_collected_whole_with_its_tokens_renewed(hub: Hub, clock: VirtualClock) -> None:
    cloud = Ondilo(clock, hub.server, days=40)
    await hub.add("ondilo-1", "good")
    await drive(hub.collector, clock, START + DAY)
    for quantity in ("temperature", "ph", "orp", "tds", "battery", "rssi"):
        kept = [point.at for point in await hub.store.history(PROBE, quantity)]
        assert kept == [at for at in cloud.instants if START - 30 * DAY + HOUR / 2 <= at <= kept[-1]]
        assert kept[-1] > clock.now - 1.2 * HOUR
    assert await hub.store.incidents(open_only=True) == []
    assert hub.server.unscripted == []
    tokens = [one.form["refresh_token"] for one in hub.server.seen if one.path == "/oauth2/token"]
    assert tokens == ["good", *["again"] * (len(tokens) - 1)]
    assert 20 <= len(tokens) <= 30
    receipts = await hub.store.receipts("ondilo-1", limit=10_000)
    assert len(receipts) == len(hub.server.seen)
    assert most_in_an_hour([one.at for one in receipts]) <= 20


BAD: list[tuple[str, Behaviour, str]] = [
    ("cut", hostile.cut(b'[{"data_type": "ph", "value": 7'), "unreachable"),
    ("reset in the body", hostile.reset_in_body(b"[{"), "unreachable"),
    ("reset", hostile.reset_before_answer, "unreachable"),
    ("html", hostile.html(200), "malformed"),
    ("empty", hostile.empty(), "malformed"),
    ("huge", hostile.huge(10**12), "unreachable"),
    ("wrong type", hostile.json({"pools": 3}), "malformed"),
    ("numbers as words", hostile.json([{"data_type": "ph", "value": {}, "value_time": "soon"}]), "unreadable"),
    ("400", hostile.json({"message": "Limit Exceeded"}, 400), "limited"),
    ("404", hostile.json({"error": "no such pool"}, 404), "not-found"),
    ("429", hostile.limited(), "limited"),
    ("429 with a time", hostile.limited("1200"), "limited"),
    ("429 with nonsense", hostile.limited("soon"), "limited"),
    ("500", hostile.json({"error": "oops"}, 500), "unavailable"),
    ("502", hostile.html(502), "unavailable"),
    ("503", hostile.empty(503), "unavailable"),
    ("latest-empty", hostile.json([]), "latest-empty"),
]


@pytest.mark.parametrize(("behaviour", "kind"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
async def test_a_bad_answer_is_an_incident_that_ends_and_no_reading_is_lost(
    hub: Hub, clock: VirtualClock, behaviour: Behaviour, kind: str
) -> None:
    cloud = Ondilo(clock, hub.server)
    await hub.add("ondilo-1", "good")
    await drive(hub.collector, clock, START + 3 * HOUR)
    hub.server.always(behaviour, LAST)
    await drive(hub.collector, clock, START + 9 * HOUR)
    noted = await hub.store.incidents("ondilo-1")
    assert kind in {one.kind for one in noted}
    assert {one.kind for one in noted} <= {kind, "unreadable", "latest-empty"}
    assert all(one.what and one.todo for one in noted)
    cloud.well()
    slowly = 9 * HOUR if kind == "limited" else 0 * HOUR  # it has learned to ask less
    await drive(hub.collector, clock, START + 15 * HOUR + slowly)
    assert await hub.store.incidents("ondilo-1", open_only=True) == []
    kept = [point.at for point in await hub.store.history(PROBE, "ph")]
    assert kept == [at for at in cloud.instants if kept[0] <= at <= kept[-1]]
    assert kept[-1] > clock.now - 1.2 * HOUR
    assert most_in_an_hour([one.at for one in await hub.store.receipts("ondilo-1", limit=10_000)]) <= 20


async def test_a_revoked_refresh_token_asks_the_user_and_stops_no_other_account(hub: Hub, clock: VirtualClock) -> None:
    Ondilo(clock, hub.server)
    await hub.add("ondilo-1", "good")
    await hub.add("ondilo-2", "revoked", realm="test")
    await drive(hub.collector, clock, START + 6 * HOUR)
    (incident,) = await hub.store.incidents(open_only=True)
    assert (incident.account, incident.kind) == ("ondilo-2", "sign-in")
    assert "revoked" not in {one.form["refresh_token"] for one in hub.server.seen[60:] if one.path == "/oauth2/token"}
    kept = await hub.store.history(PROBE, "ph", START - 2 * HOUR)
    assert len(kept) >= 7
    await TokenKeeper("ondilo-2", hub.store, clock).keep(Token("first", "good", clock.now + HOUR))
    await drive(hub.collector, clock, clock.now + timedelta(minutes=5))
    assert await hub.store.incidents(open_only=True) == []
    assert len(await hub.store.history("ondilo@test:234/ico", "ph", clock.now - 2 * HOUR)) >= 1


async def test_a_nan_and_a_cut_time_are_kept_or_named_but_never_invented(hub: Hub, clock: VirtualClock) -> None:
    cloud = Ondilo(clock, hub.server)
    await hub.add("ondilo-1", "good")
    await drive(hub.collector, clock, START + 2 * HOUR)
    entries = json.dumps([cloud.measure("ph", START), cloud.measure("orp", START)]).replace("7.2", "NaN")
    hub.server.always(hostile.answer(200, entries.encode()), LAST)
    before = await hub.store.count()
    await drive(hub.collector, clock, START + 5 * HOUR)
    assert (await hub.store.incidents("ondilo-1"))[0].kind in {"malformed", "unreadable", "doubtful"}
    assert await hub.store.count() - before <= 60
    assert all(point.value in {7.2, None} for point in await hub.store.history(PROBE, "ph"))


async def test_another_process_goes_on_where_one_was_killed(hub: Hub, clock: VirtualClock, tmp_path: Path) -> None:
    cloud = Ondilo(clock, hub.server)
    await hub.add("ondilo-1", "good")
    await drive(hub.collector, clock, START + 5 * HOUR)
    asked = len(hub.server.seen)
    again = Hub(clock, hub.server, tmp_path)
    try:
        await drive(again.collector, clock, START + 9 * HOUR)
        assert len(hub.server.seen) - asked <= 4 * 4
        kept = [point.at for point in await again.store.history(PROBE, "orp")]
        assert kept == [at for at in cloud.instants if kept[0] <= at <= kept[-1]]
        assert await again.store.gaps() == []
    finally:
        await again.close()
