"""What is only on or off holds until it tells of a change: an older hub recorded gaps of it, and this one tells of none and asks for none."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from margelle.cli import house, status
from margelle.collect import progress
from margelle.collect.progress import Attempt, Progress
from margelle.config import Settings, load
from margelle.domain.gap import Gap
from margelle.domain.site import Account, Person, Probe, Scalar, Site, User
from margelle.ports import Discovery
from margelle.serve.api import NAME
from margelle.serve.sign_in import FaceDesk
from tests.asgi import call
from tests.conftest import NOW

HOUR = timedelta(hours=1)
ADA, SITE = "ada@x.example", "baxo:14587"
PROBE = f"{SITE}/device"
QUANTITIES = ("baxo.PH", "baxo.POMPE")


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """Of a hub with a device of which a tag, POMPE, tells of events and was silent for hours, as were others."""
    found = load(None, {}, {"data_dir": str(tmp_path), "key_file": str(tmp_path / "key"), "host": "127.0.0.1"})
    async with house.opened(found) as home:
        await home.store.put_user(User(ADA, "x"))
        account = Account("baxo", "baxo", ADA, ADA)
        await home.store.put_account(account)
        told: dict[str, Scalar] = {"tags": "PH\nPOMPE", "events": "POMPE", "contract": "c"}
        site = Site(SITE, "baxo", "14587", "Station", "plant", attributes=told)
        probe = Probe(PROBE, SITE, "baxo", "c/14587")
        await home.store.put_discovery("baxo", Discovery(Person(), (site,), (probe,)), NOW)
        known = Progress(discovery=Attempt(ok_at=NOW))
        known.take_over({PROBE: SITE}, {SITE: QUANTITIES}, advised=False, reach="year")
        for quantity in QUANTITIES:
            series = known.probes[PROBE].series[quantity]
            series.settled_at, series.newest = NOW - 20 * HOUR, NOW - 5 * HOUR
            series.missing_since, series.missing_until = NOW - 10 * HOUR, NOW - 5 * HOUR
            silent = Gap(PROBE, quantity, NOW - 30 * HOUR, NOW - 20 * HOUR, "silent", NOW)
            await home.store.put_gaps((), [silent])
        await progress.save(home.store, account.id, known, NOW)
        assert len(await home.store.gaps(PROBE)) == 4
        await home.collector().round()  # which is not signed in
    return found


async def test_the_pages_and_the_api_tell_of_no_gap_of_it(settings: Settings) -> None:
    async with house.opened(settings) as home:
        (report,) = await home.standing().reports(await home.store.accounts())
        assert {gap.quantity for gap in report.gaps} == {one.gap.quantity for one in report.filling} == {"baxo.PH"}
        desk = FaceDesk(NAME, home.store, home.clock)
        token, _ = await desk.issue_named("access", ADA, "key", life_s=None, scopes=("read",))
        headers = {"authorization": f"Bearer {token}"}
        told = (await call(home.app(), "GET", "/api/v1/gaps", headers)).json()["items"]
        assert [(one["quantity"], one["state"]) for one in told] == [("baxo.PH", "open"), ("baxo.PH", "silent")]
        assert {one.quantity for one in report.next if "missing" in one.why} == {"baxo.PH"}
        assert {one.quantity for one in await home.store.gaps(PROBE, open_only=True)} == {"baxo.PH"}


async def test_the_api_answers_anew_once_something_else_is_said_of_a_tag_though_nothing_was_stored(
    settings: Settings,
) -> None:
    async with house.opened(settings) as home:
        desk = FaceDesk(NAME, home.store, home.clock)
        token, _ = await desk.issue_named("access", ADA, "key", life_s=None, scopes=("read",))
        headers, app = {"authorization": f"Bearer {token}"}, home.app()
        before = await call(app, "GET", "/api/v1/gaps", headers)
        headers["if-none-match"] = before.headers["etag"]
        assert (await call(app, "GET", "/api/v1/gaps", headers)).status == 304
        version = await home.store.version()
        home.meanings.sections["baxo"] = {"tags": {"POMPE": "ph"}}
        assert await home.store.version() == version
        assert len((await call(app, "GET", "/api/v1/gaps", headers)).json()["items"]) == 3


async def test_status_tells_of_no_gap_of_it(settings: Settings) -> None:
    (account,) = (await status._status(settings, ""))["accounts"]
    assert {gap.quantity for gap in account["gaps"]} == {"baxo.PH"}
