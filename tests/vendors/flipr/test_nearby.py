"""A Flipr is read over Bluetooth: with the real bleak, above probes that are none."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Any

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError, BleakError
from msgspec.structs import replace

from margelle.collect.loop import Collector
from margelle.domain.site import BLUETOOTH, Account, Probe
from margelle.errors import BadInput, ConfigError, Malformed, MargelleError, Unreachable
from margelle.ports import AdviceSource, HistorySource, Source
from margelle.store.memory import MemoryStore
from margelle.testing.sky import MovedClock
from margelle.vendors.flipr import FLIPR, radio
from margelle.vendors.flipr.client import FliprSource
from margelle.vendors.flipr.nearby import NearbyFlipr, has_known_factors, heard, serial_of
from margelle.vendors.flipr.radio import ANALYSE, BEGIN, MEASURE, Waits
from tests.conftest import NOW
from tests.vendors.fakes import FakeHttp, FakeTokens
from tests.vendors.flipr.air import ADDRESS, FACTS, FRAME, OLD, UUIDS, FakeProbe, fill
from tests.vendors.flipr.test_client import ACCOUNT as CLOUD
from tests.vendors.flipr.test_client import whole

QUICK = Waits(listen_s=0.05, connect_s=5, write_s=5, measure_s=0.05, still_s=0, again_s=0)
ACCOUNT = Account("flipr", "flipr", "anna@example.org", "F2B123", f"{BLUETOOTH}{ADDRESS}")
PROBE = Probe("flipr:F2B123/probe", "flipr:F2B123", "flipr", "F2B123", "F2B123")
NEWER = FRAME[:2] + b"\x41" + FRAME[3:]
ASLEEP = b"\x00\x00" + FRAME[2:]
START_MAX: Any = ("read",)


def source(waits: Waits = QUICK) -> NearbyFlipr:
    return NearbyFlipr(ACCOUNT, {}, waits)


async def refused(kind: type[MargelleError], by: NearbyFlipr | None = None) -> str:
    with pytest.raises(kind) as caught:
        await (by or source()).latest(PROBE, NOW)
    return str(caught.value)


async def values() -> dict[str, float | None]:
    batch = await source().latest(PROBE, NOW)
    assert batch.faults == ()
    return {one.quantity: one.value for one in batch.measurements}


# --- what it asks


def test_the_characteristics_and_times_are_those_of_the_evidence() -> None:
    assert (MEASURE, ANALYSE, BEGIN.hex()) == (UUIDS["measure"], UUIDS["analyse"], FACTS["begin"])
    waits, said = Waits(), FACTS["seconds"]
    assert (waits.connect_s, waits.write_s, waits.measure_s) == (said["connect"], said["write"], said["measure"])
    assert (waits.still_s, waits.again_s) == (said["without_notify"], said["again"])
    assert waits.all_s > waits.connect_s + waits.write_s + max(waits.measure_s, waits.still_s + waits.again_s)


async def test_an_analysis_is_begun_and_the_measure_that_it_makes_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = FakeProbe(FRAME)
    fill(monkeypatch, probe)
    told = await values()
    assert (told["temperature"], told["orp"], told["battery"]) == (25.02, 650, 100)
    assert probe.written == [(UUIDS["analyse"], b"\x01", True)]
    assert (probe.connections, probe.connected) == (1, 0)


async def test_what_it_told_before_is_no_new_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(OLD, FRAME))
    assert (await values())["temperature"] == 25.02


async def test_what_was_kept_last_time_is_no_new_measure_even_if_it_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probe, one = FakeProbe(FRAME, properties=("notify",)), source()
    fill(monkeypatch, probe)
    assert (await one.latest(PROBE, NOW)).measurements
    assert "only what it had told before" in await refused(Unreachable, one)
    probe.after = [FRAME, NEWER]
    assert (await one.latest(PROBE, NOW)).measurements[1].raw == "1601"
    assert probe.connections == 3


async def test_a_frame_of_standby_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(ASLEEP, b"\x01", FRAME))
    assert (await values())["temperature"] == 25.02


@pytest.mark.parametrize("after", [(FRAME,), (OLD, FRAME), (ASLEEP, FRAME)])
async def test_a_probe_that_does_not_notify_is_read_and_once_more_if_need_be(
    monkeypatch: pytest.MonkeyPatch, after: tuple[bytes, ...]
) -> None:
    probe = FakeProbe(*after, name="Flipr 01234", properties=START_MAX)
    fill(monkeypatch, probe)
    assert (await values())["temperature"] == 25.02
    assert probe.written == [(UUIDS["analyse"], b"\x01", True)]


async def test_it_measures_when_the_frame_arrives_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(OLD, FRAME, properties=START_MAX))
    waits = Waits(listen_s=1, still_s=0.005, again_s=0.005)
    batch = await source(waits).latest(PROBE, NOW + timedelta(seconds=0.995))  # asked just before the next second
    (at,) = {one.at for one in batch.measurements}
    assert at.microsecond == 0
    assert NOW + timedelta(seconds=1) <= at < NOW + timedelta(seconds=60)


async def test_two_probes_are_not_talked_with_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = FakeProbe(FRAME)  # which bears one conversation at a time
    fill(monkeypatch, probe)
    both = await asyncio.gather(source().latest(PROBE, NOW), source().latest(PROBE, NOW))
    assert [len(batch.measurements) for batch in both] == [7, 7]
    assert probe.connections == 2


async def test_another_probe_of_the_same_water_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch)
    other = Probe("flipr:F2B123/pump", "flipr:F2B123", "flipr", "HUB")
    assert (await source().latest(other, NOW)).measurements == ()


# --- who it is


async def test_it_is_the_site_and_the_probe_that_its_cloud_has() -> None:
    told = await source().discover(NOW)
    assert told.complete
    assert ([site.id for site in told.sites], [probe.id for probe in told.probes]) == ([PROBE.site], [PROBE.id])
    assert told.probes == (PROBE,)


async def test_what_the_cloud_has_told_of_the_water_stays() -> None:
    told = await source().discover(NOW)
    known = replace(told.sites[0], name="Piscine", kind="spa", volume_m3=42.0, attributes={"place": 7})
    device = replace(told.probes[0], firmware="4", hardware="x")
    over = told.over(told.person, [known], [device])
    assert (over.sites, over.probes) == ((known,), (device,))


@pytest.mark.parametrize(("name", "model"), FACTS["names"])
def test_models_are_told_apart_by_their_names(name: str, model: str) -> None:
    assert has_known_factors(name) == (model != "unknown")


def test_a_serial_is_the_name_or_what_stands_behind_flipr() -> None:
    assert [serial_of(name) for name in ("F2B123", "f31abc", "Flipr 01234", "FLIPR 01-XX", "Flipr", "", "Ä B")] == [
        "F2B123", "F31ABC", "01234", "01-XX", "", "", "",
    ]  # fmt: skip


async def test_an_old_model_is_doubted_in_all_that_its_factors_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(FRAME, name="Flipr 12345"))
    batch = await source().latest(PROBE, NOW)
    doubts = {one.quantity: [doubt.kind for doubt in one.doubts] for one in batch.measurements}
    assert doubts["temperature"] == ["uncalibrated"]


@pytest.mark.parametrize("which", [ADDRESS, ADDRESS.lower(), "Flipr F2B123", "F2b123", " F2B123 "])
async def test_a_probe_is_found_by_its_address_name_or_serial(monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    fill(monkeypatch, FakeProbe(name="F3A1B2", address="AA:00"), FakeProbe(name="Flipr F2B123"))
    found = await heard(which, QUICK)
    assert (found.base_url, found.serial) == (f"{BLUETOOTH}{ADDRESS}", "F2B123")


async def test_a_probe_without_a_name_tells_no_serial(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(name=None))
    assert (await heard(ADDRESS, QUICK)).serial == ""
    with pytest.raises(BadInput):
        await heard(" ", QUICK)


def test_an_account_is_of_the_cloud_or_nearby_by_its_address() -> None:
    cloud = Account("flipr", "flipr", "anna@example.org", "anna@example.org")
    http, tokens = FakeHttp(), FakeTokens()
    assert isinstance(FLIPR.source(cloud, http, tokens), FliprSource)
    nearby: Source = FLIPR.source(ACCOUNT, http, tokens)
    assert isinstance(nearby, NearbyFlipr)
    assert not isinstance(nearby, HistorySource)
    assert not isinstance(nearby, AdviceSource)
    assert (ACCOUNT.nearby, cloud.nearby) == (ADDRESS, "")


async def test_the_settings_calibrate_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FLIPR.configure is not None
    from margelle.domain.quantity import CATALOGUE

    connected = FLIPR.configure({"calibration": {"f2b123": "ph7=1634 ph4=1916 orp=640/650"}}, CATALOGUE)
    fill(monkeypatch, FakeProbe(FRAME))
    batch = await connected(ACCOUNT, FakeHttp(), FakeTokens()).latest(PROBE, NOW)
    assert {one.quantity: (one.value, one.doubts) for one in batch.measurements}["orp"] == (660, ())


async def test_what_the_cloud_tells_and_what_is_heard_are_one_series(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = replace(CLOUD, owner=ACCOUNT.owner)
    local = replace(ACCOUNT, login="AB256C")
    store = MemoryStore()
    for account in (cloud, local):
        await store.put_account(account)
    in_cloud, nearby = whole()[0], NearbyFlipr(local, {}, QUICK)
    fill(monkeypatch, FakeProbe(FRAME))
    await store.put_discovery(cloud.id, await in_cloud.discover(NOW), NOW)
    known = await store.site("flipr:AB256C"), await store.probes("flipr:AB256C")
    await store.put_discovery(local.id, await nearby.discover(NOW), NOW)
    assert (await store.site("flipr:AB256C"), await store.probes("flipr:AB256C")) == known
    (probe,) = known[1]
    for batch in (await in_cloud.latest(probe, NOW), await nearby.latest(probe, NOW)):
        await store.add(batch.measurements, NOW)
    series = await store.history(probe.id, "temperature")
    assert [one.origin for one in series] == ["flipr/survey/last", "flipr/bluetooth"]
    assert {account.id for account in await store.accounts_of("flipr:AB256C")} == {CLOUD.id, ACCOUNT.id}


class Lively(FakeProbe):
    """Measures something else each time."""

    @property
    def after(self) -> list[bytes | None]:
        return [FRAME[:6] + len(self.written).to_bytes(2, "little") + FRAME[8:]]

    @after.setter
    def after(self, _: list[bytes | None]) -> None:
        return


async def test_a_day_costs_the_battery_no_more_than_a_measure_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, probe := Lively())
    store, clock = MemoryStore(), MovedClock(NOW)
    await store.put_account(ACCOUNT)
    collector = Collector(store, {"flipr": FLIPR}, lambda _: FakeHttp(), lambda _: FakeTokens(), clock)
    while clock() < NOW + timedelta(days=1):
        due = await collector.round()
        assert due is not None
        clock.move(max(due - clock(), timedelta(seconds=30)))
    kept = await store.history("flipr:F2B123/probe", "temperature")
    assert 20 <= probe.connections == len(kept) <= 24
    assert await store.incidents(open_only=True) == []


@pytest.mark.parametrize("after", [(), (OLD,), (ASLEEP,), (FRAME[:12],), (None,)])
async def test_a_probe_that_measures_for_nothing_is_spared(
    monkeypatch: pytest.MonkeyPatch, after: tuple[bytes | None, ...]
) -> None:
    fill(monkeypatch, probe := FakeProbe(*after))
    monkeypatch.setattr(radio, "Waits", lambda: Waits(listen_s=1, measure_s=0.005))
    store, clock = MemoryStore(), MovedClock(NOW)
    await store.put_account(ACCOUNT)
    collector = Collector(store, {"flipr": FLIPR}, lambda _: FakeHttp(), lambda _: FakeTokens(), clock)
    while clock() < NOW + timedelta(days=1):
        due = await collector.round()
        assert due is not None
        clock.move(max(due - clock(), timedelta(seconds=30)))
    assert 20 <= len(probe.written) <= 40
    assert [one.kind for one in await store.incidents(open_only=True)] != []


# --- what goes wrong


async def test_a_probe_out_of_reach_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(FRAME, address="AA:00"))
    said = await refused(Unreachable)
    assert said.startswith(
        "Flipr F2B123 was not heard over Bluetooth in 0.05 s. It is out of reach, asleep, or held by"
    )


@pytest.mark.parametrize(
    "trouble",
    [
        BleakBluetoothNotAvailableError("No powered adapter", BleakBluetoothNotAvailableReason.POWERED_OFF),
        BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["The name org.bluez was not provided"]),
        FileNotFoundError(2, "No such file or directory"),
    ],
)
async def test_a_machine_without_bluetooth_is_said_to_be(
    monkeypatch: pytest.MonkeyPatch, trouble: BaseException
) -> None:
    fill(monkeypatch, FakeProbe(FRAME), trouble=trouble)
    said = await refused(Unreachable)
    assert said.startswith("This machine's Bluetooth cannot be used (")
    assert said.endswith("On Linux, BlueZ must run.")


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (TimeoutError(), "was heard over Bluetooth, and did not answer in time"),
        (BleakError("le-connection-abort-by-local"), "failed: le-connection-abort-by-local"),
        (BleakDBusError("org.bluez.Error.Failed", ["Software caused connection abort"]), "Software caused"),
    ],
)
async def test_a_probe_that_a_phone_holds_is_said_to_be(
    monkeypatch: pytest.MonkeyPatch, refusal: BaseException, sentence: str
) -> None:
    fill(monkeypatch, FakeProbe(FRAME, refusal=refusal))
    said = await refused(Unreachable)
    assert sentence in said
    assert said.endswith("held by a phone with Flipr's app, which must be closed.")


async def test_a_probe_that_hangs_up_is_said_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, probe := FakeProbe(OLD, None))
    assert "hung up before it had measured" in await refused(Unreachable)
    fill(monkeypatch, FakeProbe(None, properties=START_MAX))
    assert "failed: disconnected" in await refused(Unreachable)
    assert probe.connected == 0


@pytest.mark.parametrize(
    ("after", "kind", "sentence"),
    [
        ((), Unreachable, "told no measure in time"),
        ((OLD,), Unreachable, "only what it had told before"),
        ((ASLEEP,), Unreachable, "is in standby"),
        ((FRAME[:12],), Malformed, "sent 12 bytes where a measure has 13: a10140"),
    ],
)
async def test_a_probe_that_does_not_measure_says_why(
    monkeypatch: pytest.MonkeyPatch, after: tuple[bytes, ...], kind: type[MargelleError], sentence: str
) -> None:
    fill(monkeypatch, probe := FakeProbe(*after))
    assert sentence in await refused(kind)
    assert probe.connected == 0


async def test_what_is_no_flipr_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, probe := FakeProbe(FRAME, uuids=("00002a19-0000-1000-8000-00805f9b34fb",)))
    assert "it is no Flipr that is known" in await refused(Malformed)
    assert probe.written == []


async def test_a_collector_that_stops_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, probe := FakeProbe())
    asking = asyncio.create_task(source(Waits(listen_s=5)).latest(PROBE, NOW))
    await probe.began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (probe.connections, probe.connected) == (1, 0)


async def test_without_the_extra_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    monkeypatch.delitem(sys.modules, "margelle.vendors.flipr.radio", raising=False)
    said = await refused(ConfigError)
    assert said == "Bluetooth needs a library that is not installed: pip install 'margelle[bluetooth]'"
    with pytest.raises(ConfigError):
        await heard(ADDRESS)
