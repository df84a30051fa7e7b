"""A hub collects from another's face over HTTP: a year comes page by page, a write is read back, and the password is in nothing that is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from margelle.cli import server
from margelle.collect.actions import ForwardedActions
from margelle.collect.loop import Collector
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account, User
from margelle.errors import Conflict, Refused
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.net.oauth import TokenKeeper
from margelle.ports import Source, Token
from margelle.serve.app import build
from margelle.serve.sign_in import hash_password
from margelle.simulate.actions import LocalActions
from margelle.simulate.clouds import Clouds
from margelle.simulate.station import STATIONS
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS
from margelle.vendors.baxo import BAXO
from margelle.vendors.baxo.translate import Tags, log_from, seconds_to
from margelle.vendors.baxo.wire import Log
from tests.conftest import NOW

LOGIN, PASSWORD = "owner@clouds.example", "gut geheim & 100 %"
TAGS = {"PH": "ph", "NIVEAU": "level", "DEBIT": "flow"}
DEVEN = "baxo@test:3304418725"


class Hub(Struct):
    """What collects, and the store of the cloud that it collects from."""

    store: MemoryStore
    cloud: MemoryStore
    collector: Collector
    source: Callable[[Account], Source]
    mapped: Callable[[dict[str, str]], Collector]


@asynccontextmanager
async def hub(tmp_path: Path, password: str = PASSWORD) -> AsyncIterator[Hub]:
    now: Callable[[], datetime] = lambda: NOW  # noqa: E731
    cloud, store = MemoryStore(), MemoryStore()
    users = [User(LOGIN, hash_password(PASSWORD))]
    made = Clouds(cloud, [BAXO], now, seed="s", users=users, stations=(STATIONS[0][:1],))
    await made.start()
    face = build(
        cloud, [BAXO], {"baxo": {"writers": [LOGIN]}}, now, LocalActions(cloud, now), pages=False, own_sites=True
    )
    stop, bound = asyncio.Event(), server.bind("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(face, bound, stop))
    account = Account("baxo", "baxo", "me@here.org", LOGIN, f"{server.url_of(bound)}/baxo", "test")
    http = CloudHttp("baxo", store, Budget(None, "baxo", ()), now)
    tokens = TokenKeeper("baxo", store, now)
    assert BAXO.configure is not None
    configure = BAXO.configure
    vendor = replace(BAXO, pace=(), source=configure({"tags": TAGS}, CATALOGUE))

    def mapped(tags: dict[str, str]) -> Collector:
        one = replace(vendor, source=configure({"tags": tags}, CATALOGUE))
        return Collector(store, {"baxo": one}, lambda _: http, lambda _: tokens, now, name="one")

    try:
        await store.put_user(User("me@here.org", "-"))
        await store.put_account(account)
        await tokens.keep(Token(password))
        yield Hub(store, cloud, mapped(TAGS), lambda one: vendor.source(one, http, tokens), mapped)
    finally:
        stop.set()
        await serving
        await http.close()


async def test_a_year_of_every_tag_is_collected_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("margelle.vendors.baxo.pages.PAGE", 5000)
    async with hub(tmp_path) as one:
        await one.collector.round()
        (site,) = await one.store.sites()
        assert (site.id, site.time_zone) == (DEVEN, "Europe/Brussels")
        for tag, quantity in {**TAGS, "REDOX": "baxo.REDOX", "POMPE_1": "baxo.POMPE_1"}.items():
            there = await one.cloud.history("baxo:3304418725/device", f"baxo.{tag}", NOW - timedelta(days=365), NOW)
            here = await one.store.history(f"{DEVEN}/device", quantity)
            assert [(point.raw, point.at.replace(microsecond=0)) for point in there] == [
                (point.raw, point.at) for point in here
            ]
        assert len(here) == 730
        assert await one.store.incidents(open_only=True) == []
        pages = [receipt for receipt in await one.store.receipts("baxo", limit=1000) if b"pageToken" in receipt.body]
        assert pages


async def test_a_tag_that_is_mapped_is_fetched_at_the_next_start_and_again_when_its_unit_is_corrected(
    tmp_path: Path,
) -> None:
    async with hub(tmp_path) as one:
        probe = f"{DEVEN}/device"
        await one.mapped({}).round()
        unmapped = await one.store.history(probe, "baxo.NIVEAU")
        assert len(unmapped) > 8000
        assert "level" not in await one.store.quantities(probe)
        await one.mapped({"NIVEAU": "level cm"}).round()
        wrong = await one.store.history(probe, "level")
        assert [(point.at, point.raw) for point in wrong] == [(point.at, point.raw) for point in unmapped]
        asked = len(await one.store.receipts("baxo", limit=1000))
        await one.mapped({"NIVEAU": "level"}).round()
        right = await one.store.history(probe, "level")
        assert [point.value for point in right] == [point.value for point in unmapped]
        assert len(await one.store.revisions(probe, "level", right[0].at)) == 1
        assert len(await one.store.receipts("baxo", limit=1000)) > asked
        asked = len(await one.store.receipts("baxo", limit=1000))
        await one.mapped({"NIVEAU": "level"}).round()
        assert len(await one.store.receipts("baxo", limit=1000)) == asked, "what is as before is not asked for again"
        assert await one.store.history(probe, "baxo.NIVEAU") == unmapped


async def test_the_password_is_in_no_receipt_memo_or_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with hub(tmp_path) as one:
        await one.collector.round()
        receipts = await one.store.receipts("baxo", limit=1000)
        assert receipts
        for receipt in receipts:
            assert receipt.url.endswith("/baxo/k1")
        kept = repr([receipts, await one.store.incidents(), await one.store.memo("baxo/progress"), caplog.text])
        assert PASSWORD not in kept
        assert "gut+geheim" not in kept
        assert "gut%20geheim" not in kept


async def test_a_wrong_password_stops_asking_and_says_so(tmp_path: Path) -> None:
    async with hub(tmp_path, "wrong") as one:
        await one.collector.round()
        (incident,) = await one.store.incidents(open_only=True)
        assert incident.kind == "sign-in"
        assert len(await one.store.receipts("baxo")) == 1


async def test_a_write_reaches_the_device_and_is_read_back(tmp_path: Path) -> None:
    async with hub(tmp_path) as one:
        await one.collector.round()
        (probe,) = await one.store.probes()
        actions = ForwardedActions(one.store, one.source, lambda: NOW)
        user, tags = User("me@here.org", "-"), Tags(TAGS)
        wanted = log_from(_log("PH", "7.4"), tags.of("3304418725").named("PH"), probe, tags)
        assert wanted is not None
        await actions.write("PH", wanted, probe, user)
        latest = await one.cloud.latest("baxo:3304418725/device", NOW)
        assert latest["baxo.PH"].raw == "7.4"
        assert (await one.store.latest(probe.id, NOW))["ph"].raw == "7.4"
        assert [(entry.act, entry.outcome) for entry in reversed(await one.store.audit())] == [
            ("write", "'7.4' was taken"),
            ("read back", "'7.4'"),
        ]
        (entry,) = await one.cloud.audit()
        assert (entry.user, entry.act, entry.outcome) == (LOGIN, "write", "'7.4'")


async def test_a_write_that_the_cloud_refuses_is_on_record(tmp_path: Path) -> None:
    async with hub(tmp_path) as one:
        await one.collector.round()
        (probe,) = await one.store.probes()
        actions = ForwardedActions(one.store, one.source, lambda: NOW)
        wanted = log_from(_log("PH", "7.4"), Tags().of("1").named("PH"), probe, Tags())
        assert wanted is not None
        await one.cloud.put_user(User(LOGIN, hash_password("another")))
        with pytest.raises(Refused):
            await actions.write("PH", wanted, probe, User("me@here.org", "-"))
        (entry,) = await one.store.audit()
        assert "failed" in entry.outcome


def _log(reference: str, value: str) -> Log:
    return Log(tag_reference=reference, value=Raw(f'"{value}"'.encode()), timestamp=seconds_to(NOW))


async def test_a_cloud_that_lets_nothing_be_set_is_a_conflict(tmp_path: Path) -> None:
    async with hub(tmp_path) as one:
        await one.collector.round()
        (probe,) = await one.store.probes()

        class Mute:
            pass

        def mute(_: Account) -> Any:
            return Mute()

        wanted = (await one.store.latest(probe.id, NOW))["ph"]
        with pytest.raises(Conflict, match="lets nothing be set"):
            await ForwardedActions(one.store, mute, lambda: NOW).write("PH", wanted, probe, User("me@here.org", "-"))


def test_the_vendors_are_registered() -> None:
    assert VENDORS["baxo"] is BAXO
