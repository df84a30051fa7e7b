from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pyarrow
import pytest
from msgspec.structs import replace
from pyarrow import ipc, parquet

from margelle.domain.gap import Gap
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Probe
from margelle.domain.switch import Switch
from margelle.domain.unit import Unit
from margelle.export import columnar
from margelle.intake import exported
from margelle.ports import Discovery, Display
from margelle.store.memory import MemoryStore
from tests.asgi import Response
from tests.conftest import NOW
from tests.house import GARDEN
from tests.serve.api.hub import HOUR, Hub, furnished
from tests.serve.vendors import vendor

DOUBTED = Measurement(
    GARDEN,
    "orp",
    NOW - 5 * HOUR,
    712.5,
    "712.50",
    Unit.MILLIVOLT,
    'own/"http"',
    (Doubt("range", "a comma, and\na line"),),
)


@pytest.fixture
async def hub() -> Hub:
    found = await furnished(MemoryStore())
    await found.store.add([DOUBTED], NOW)
    return found


async def all_pages(hub: Hub, path: str, **query: Any) -> list[dict[str, Any]]:
    """What a client gets that follows `next` to the end."""
    items: list[dict[str, Any]] = []
    while True:
        told = (await hub.get(path, **query)).json()
        items += told["items"]
        assert len(told["items"]) <= query.get("limit", 1000)
        if told["next"] is None:
            return items
        query["after"] = told["next"]


async def test_the_latest_of_each_series_is_told_as_a_row(hub: Hub) -> None:
    told = (await hub.get("/latest", quantity="pH")).json()
    assert told == {
        "items": [
            {
                "at": "2026-07-14T12:00:00Z", "probe": GARDEN, "site": "own:garden", "quantity": "ph", "value": 7.09, "unit": "[pH]",
                "valid": True, "reason": None, "raw": "7.09", "raw_unit": "[pH]", "origin": "own/http", "doubts": None,
            }
        ],
        "next": None,
    }  # fmt: skip


async def test_a_doubted_value_is_told_with_its_reasons(hub: Hub) -> None:
    (row,) = (await hub.get("/latest", quantity="orp")).json()["items"]
    assert (row["value"], row["valid"], row["reason"]) == (712.5, False, "a comma, and\na line")
    assert row["doubts"] == [{"kind": "range", "reason": "a comma, and\na line"}]


@pytest.mark.parametrize("limit", [1, 3, 7, 20, 1000])
@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_pages_have_every_measurement_once_in_order(hub: Hub, limit: int, order: str) -> None:
    items = await all_pages(hub, "/measurements", limit=limit, order=order, site="own:garden")
    assert len(items) == 21
    series = [(row["probe"], row["quantity"]) for row in items]
    assert series == sorted(series)
    for quantity in ("ph", "temperature"):
        instants = [row["at"] for row in items if row["quantity"] == quantity]
        assert instants == sorted(instants, reverse=order == "newest")
        assert len(set(instants)) == 10


async def test_a_range_has_its_begin_and_not_its_end(hub: Hub) -> None:
    told = await hub.get(
        "/measurements", quantity="ph", since="2026-07-14T08:00:00+02:00", until="2026-07-14T08:00:00Z"
    )
    assert [row["at"] for row in told.json()["items"]] == ["2026-07-14T06:00:00Z", "2026-07-14T07:00:00Z"]


async def test_paging_newest_first_keeps_to_the_range(hub: Hub) -> None:
    items = await all_pages(
        hub,
        "/measurements",
        quantity="ph",
        order="newest",
        limit=1,
        since="2026-07-14T05:00:00Z",
        until="2026-07-14T08:00:00Z",
    )
    assert [row["at"][11:13] for row in items] == ["07", "06", "05"]


async def test_the_next_part_is_also_told_as_a_link(hub: Hub) -> None:
    answer = await hub.get("/measurements", quantity="ph", limit=4)
    link = answer.headers["link"]
    assert link.startswith("</api/v1/measurements?")
    assert link.endswith('>; rel="next"')
    assert f"after={answer.json()['next']}" in link


async def test_many_probes_and_quantities_are_had_in_one_call(hub: Hub) -> None:
    items = (await hub.get("/measurements", probe=[GARDEN], quantity=["ph", "orp"], limit=100)).json()["items"]
    assert {row["quantity"] for row in items} == {"ph", "orp"}


@pytest.mark.parametrize(
    "path",
    ["/latest", "/measurements", "/statistics/days", "/statistics/hours", "/plot?site=own:garden", "/gaps"],
)
async def test_a_probe_may_be_named_by_its_site_as_where_points_are_sent(hub: Hub, path: str) -> None:
    gap = Gap(GARDEN, "ph", NOW - 30 * HOUR, NOW - 20 * HOUR, "lost", NOW)
    await hub.store.put_gaps((), [gap])
    for twice in (["own:garden"], ["own:garden", GARDEN]):
        by_site = await hub.call("GET", f"{path}{'&' if '?' in path else '?'}{urlencode({'probe': twice}, doseq=True)}")
        by_probe = await hub.call("GET", f"{path}{'&' if '?' in path else '?'}probe={GARDEN}")
        assert by_site.status == 200, by_site.text
        assert by_site.json() == by_probe.json()
        assert by_site.json().get("items") != []
    assert (await hub.get("/probes/own:garden")).json() == (await hub.get(f"/probes/{GARDEN}")).json()


async def test_a_sites_name_stands_for_no_switch_and_for_none_of_several_probes_or_of_somebody_else(hub: Hub) -> None:
    (site,) = [one for one in await hub.store.sites() if one.id == "own:garden"]
    known = (Probe(GARDEN, "own:garden", "own", "garden"),)
    (account,) = await hub.store.accounts_of("own:garden")
    pump = Switch("own:garden/pump", "own", "pump")
    await hub.store.put_discovery("own", Discovery(account.person, (replace(site, switches=(pump,)),), known), NOW)
    assert (await hub.get("/latest", probe="own:garden")).status == 200
    await hub.store.put_probe(Probe("own:garden/hand", "own:garden", "own", "hand"), NOW)
    several = await hub.get("/measurements", probe="own:garden")
    assert several.status == 400
    assert f"the site own:garden has several: own:garden/hand, {GARDEN}" in several.text
    assert (await hub.get("/measurements", probe="own:bath")).status == 404


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet", "arrow"])
async def test_every_form_has_the_same_rows(hub: Hub, form: str) -> None:
    rows = await all_pages(hub, "/measurements", limit=1000)
    answer = await hub.get("/measurements", format=form)
    assert answer.status == 200
    assert read(form, answer) == [plain(row) for row in rows]


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row of JSON as the other forms have it: its doubts as text."""
    return row | {"doubts": json.dumps(row["doubts"], separators=(",", ":")) if row["doubts"] else None}


def read(form: str, answer: Response) -> list[dict[str, Any]]:
    if form == "ndjson":
        return [plain(json.loads(line)) for line in answer.body.splitlines()]
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        return [
            {name: cell or None for name, cell in row.items()}
            | {"value": float(row["value"]), "valid": row["valid"] == "true"}
            for row in rows
        ]
    source = pyarrow.BufferReader(answer.body)
    table = parquet.read_table(source) if form == "parquet" else ipc.open_stream(source).read_all()
    assert table.schema.field("at").type == pyarrow.timestamp("us", "UTC")
    return [row | {"at": row["at"].isoformat().replace("+00:00", "Z")} for row in table.to_pylist()]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, application/*;q=0.5", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/*", "text/csv; charset=utf-8"),
        ("application/json;q=0.2, application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
    ],
)
async def test_the_form_is_what_the_client_accepts(hub: Hub, accept: str, kind: str) -> None:
    answer = await hub.get("/measurements", {"accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert "accept" in answer.headers["vary"]


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/json;q=nonsense"])
async def test_what_no_form_can_be_is_406(hub: Hub, accept: str) -> None:
    answer = await hub.get("/measurements", {"accept": accept})
    assert answer.status == 406
    assert "text/csv" in answer.json()["detail"]


async def test_without_pyarrow_parquet_is_406_and_says_what_to_install(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "present", lambda: False)
    answer = await hub.get("/measurements", format="parquet")
    assert answer.status == 406
    assert "margelle[columnar]" in answer.json()["detail"]


async def test_a_long_answer_is_sent_in_pieces_while_others_are_served() -> None:
    hub = await furnished(MemoryStore())
    begin = NOW - timedelta(days=800)
    many = [Measurement(GARDEN, "salt", begin + n * HOUR, 1.0, "1", Unit.MG_PER_L, "own/http") for n in range(18_000)]
    await hub.store.add(many, NOW)
    sizes: list[int] = []

    async def send(message: Any) -> None:
        sizes.append(len(message.get("body", b"")))

    async def receive() -> Any:
        raise AssertionError("nothing is asked")

    headers = [(b"authorization", f"Bearer {hub.token}".encode())]
    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/measurements", "query_string": b"quantity=salt&format=csv",
        "headers": headers, "asgi": {"spec_version": "2.4"}, "raw_path": b"", "root_path": "",
    }  # fmt: skip
    await hub.app(scope, receive, send)
    assert sum(sizes) > 1_000_000
    assert max(sizes) < 600_000, "5000 rows at once"


async def test_statistics_of_days_are_by_the_calendar_of_the_site(hub: Hub) -> None:
    told = (await hub.get("/statistics/days", quantity="temperature")).json()["items"]
    assert told == [
        {
            "day": "2026-07-14", "time_zone": "Europe/Paris", "probe": GARDEN, "site": "own:garden", "quantity": "temperature", "unit": "Cel",
            "count": 10, "minimum": 20.0, "maximum": 29.0, "mean": 24.5, "median": 24.5, "doubtful": 0,
        }
    ]  # fmt: skip
    elsewhere = (await hub.get("/statistics/days", quantity="temperature", time_zone="America/Los_Angeles")).json()[
        "items"
    ]
    assert [(row["day"], row["count"]) for row in elsewhere] == [("2026-07-13", 4), ("2026-07-14", 6)]


async def test_statistics_are_paged_too(hub: Hub) -> None:
    query: dict[str, Any] = {"time_zone": "America/Los_Angeles", "quantity": ["ph", "temperature"]}
    whole = await all_pages(hub, "/statistics/days", **query)
    assert await all_pages(hub, "/statistics/days", limit=1, **query) == whole
    hours = await all_pages(hub, "/statistics/hours", quantity=["ph", "temperature"])
    assert await all_pages(hub, "/statistics/hours", limit=3, quantity=["ph", "temperature"]) == hours
    assert len(hours) == 20


async def test_statistics_of_an_hour_are_of_all_its_values() -> None:
    hub = await furnished(MemoryStore())
    begin = NOW - timedelta(days=9)
    minutes = [
        Measurement(GARDEN, "salt", begin + timedelta(minutes=n), float(n), f"{n}", Unit.MG_PER_L, "own/http")
        for n in range(12_000)
    ]
    await hub.store.add(minutes, NOW)
    hours = await all_pages(hub, "/statistics/hours", quantity="salt")
    assert sum(hour["count"] for hour in hours) == 12_000
    assert [hour["count"] for hour in hours[:-1]] == [30, *[60] * (len(hours) - 2)]
    assert (hours[1]["at"], hours[1]["minimum"], hours[1]["maximum"], hours[1]["median"]) == (
        "2026-07-05T13:00:00Z",
        30.0,
        89.0,
        59.5,
    )


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("/measurements", {"untill": "2026-07-14T00:00:00Z"}, "untill"),
        ("/measurements", {"since": "2026-07-14T00:00:00"}, "since"),
        ("/measurements", {"since": "yesterday"}, "since"),
        ("/measurements", {"since": "0001-01-01T00:00:00+14:00"}, "since"),
        ("/measurements", {"limit": 0}, "limit"),
        ("/measurements", {"limit": 10_001}, "limit"),
        ("/measurements", {"order": "up"}, "order"),
        ("/measurements", {"order": ["oldest", "newest"]}, "order"),
        ("/measurements", {"quantity": "orpp"}, "quantity"),
        ("/measurements", {"after": "AAAA"}, "after"),
        ("/measurements", {"since": "2026-07-14T00:00:00Z", "until": "2026-07-14T00:00:00Z"}, "since"),
        ("/measurements", {"format": "xml"}, "format"),
        ("/statistics/days", {"time_zone": "Mars/Base"}, "time_zone"),
        ("/statistics/days", {"time_zone": "../../etc/passwd"}, "time_zone"),
        ("/statistics/days", {"since": "1000-01-01"}, "since"),
        ("/statistics/days", {"until": "0001-01-01"}, "until"),
        ("/statistics/hours", {"since": "2001-01-01T00:00:00Z"}, "since"),
    ],
)
async def test_what_is_wrong_is_named(hub: Hub, path: str, query: dict[str, Any], name: str) -> None:
    answer = await hub.get(path, **query)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [error["name"] for error in answer.json()["errors"]] == [name]


async def test_everything_that_is_wrong_is_named_at_once(hub: Hub) -> None:
    told = (await hub.get("/measurements", limit=0, since="x", sort="up")).json()
    assert {error["name"] for error in told["errors"]} == {"limit", "since", "sort"}


@pytest.mark.parametrize("path", ["/latest", "/measurements", "/statistics/days", "/statistics/hours", "/gaps"])
@pytest.mark.parametrize("query", [{"probe": "own:bath/probe"}, {"site": "own:bath"}, {"probe": "nowhere"}])
async def test_what_is_somebody_elses_does_not_exist(hub: Hub, path: str, query: dict[str, Any]) -> None:
    assert (await hub.get(path, **query)).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/sites",
        "/probes",
        "/latest",
        "/latest?format=csv",
        "/measurements?format=csv",
        "/statistics/days",
        "/statistics/hours",
    ],
)
async def test_nothing_of_somebody_elses_is_in_what_is_told_of_all(hub: Hub, path: str) -> None:
    answer = await hub.get(path)
    assert b"own:garden" in answer.body
    assert b"own:bath" not in answer.body


async def test_a_plot_has_columns_and_no_more_points_than_a_screen(hub: Hub) -> None:
    many = [
        Measurement(GARDEN, "salt", NOW - timedelta(minutes=n), float(n % 97), f"{n % 97}", Unit.MG_PER_L, "own/http")
        for n in range(9000)
    ]
    await hub.store.add(many, NOW)
    told = (await hub.get("/plot", site="own:garden", quantity=["salt", "ph"])).json()
    panels = {panel["quantity"]: panel for panel in told["panels"]}
    assert len(panels["ph"]["lines"][0]["at"]) == 10
    salt = panels["salt"]["lines"][0]
    assert 100 < len(salt["at"]) <= 600
    assert (min(salt["value"]), max(salt["value"])) == (0.0, 96.0), "no extreme is lost"
    assert (await hub.get("/plot", site="own:bath")).status == 404
    assert (await hub.get("/plot", site="own:garden", since="2026-07-15T00:00:00Z")).status == 400


@pytest.mark.parametrize(("days", "mean", "share"), [(10, 0.8, ""), (100, 80.0, "time")])
async def test_a_plot_has_what_is_on_or_off_as_pages_have_it(days: int, mean: float, share: str) -> None:
    display = Display(states=frozenset({"own.relay"}))
    shown = replace(vendor(lambda _: [], name="own"), display=lambda settings, catalogue: lambda site: display)
    hub = await furnished(MemoryStore(), vendors=[shown])
    since = NOW - timedelta(days=days)
    points = [(1.0, since), (0.0, since + timedelta(days=0.8 * days))]
    await hub.store.add(
        [Measurement(GARDEN, "own.relay", at, on, f"{on}", Unit.RATIO, "own/http") for on, at in points], NOW
    )
    told = await hub.get("/plot", site="own:garden", quantity="own.relay", since=f"{since:%Y-%m-%dT%H:%M:%SZ}")
    (panel,) = told.json()["panels"]
    assert (panel["on_off"], panel["share"], panel["summaries"][0]["mean"]) == (not share, share, mean)


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    ("since", "until", "name"),
    [
        ("9990-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "since"),
        ("2199-01-01T00:00:00Z", "2299-01-01T00:00:00Z", "until"),
        ("0001-01-01T00:00:00Z", "0050-01-01T00:00:00Z", "since"),
    ],
)
async def test_a_plot_ends_before_the_calendar_does(hub: Hub, zone: str, since: str, until: str, name: str) -> None:
    answer = await hub.get("/plot", site="own:garden", since=since, until=until, time_zone=zone)
    assert (answer.status, answer.json()["errors"][0]["name"]) == (400, name)


async def test_a_row_is_read_back_by_an_import(hub: Hub) -> None:
    body = (await hub.get("/measurements", format="ndjson", quantity="orp")).body
    assert msgspec.json.decode(body, type=exported.Row).measurement(CATALOGUE) == DOUBTED
