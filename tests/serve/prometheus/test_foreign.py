"""The hub's answers beside those of a real Prometheus over the same samples, and to Prometheus's own client."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import uvicorn

from tests.conftest import NOW
from tests.serve.prometheus.house import DAY, Metrics, metrics, samples, water
from tests.serve.prometheus.peer import PACKAGE, prometheus
from tests.system import program

INSTANT = [
    "margelle_temperature_celsius",
    "margelle_orp_volts{site='own:garden'}",
    '{__name__=~"margelle_.+",site_name!~"Roof.*"}',
    "margelle_ph offset 1d",
    "(margelle_ph[1d])",
    "margelle_ph atan2 margelle_ph",
    "2 atan2 margelle_ph",
    "margelle_ph atan2 2",
    "predict_linear(margelle_temperature_celsius[1d] offset 6h, 3600)",
    "margelle_ph offset -1h",
    "margelle_ph @ 1783900000",
    "margelle_ph @ end()",
    "margelle_temperature_celsius[5h]",
    "margelle_temperature_celsius{vendor='none'}",
    "1 + 2 * 3 ^ 2 ^ 0.5 % 4",
    "-1 / 0",
    "time()",
    "'a text'",
    "vector(7)",
    "scalar(margelle_temperature_celsius{site='own:garden'}) - 273.15",
    "scalar(margelle_temperature_celsius)",
    "sort_desc(margelle_temperature_celsius)",
    "sort(margelle_temperature_celsius)",
    "topk(2, margelle_ph)",
    "bottomk(1, margelle_ph) by (vendor)",
    "absent(margelle_nothing{site='x'})",
    "absent(margelle_ph)",
    "absent_over_time(margelle_nothing{site='x'}[1h])",
    "count_values('value', round(margelle_ph, 0.1))",
    "label_replace(margelle_ph, 'short', '$1', 'site', 'own:(.*)')",
    "label_join(margelle_ph, 'both', '-', 'site', 'quantity')",
    "timestamp(margelle_ph)",
    "timestamp(margelle_ph + 1)",
    "hour()", "day_of_week()", "days_in_month()", "year(vector(1e9))", "minute(timestamp(margelle_ph))",
    "margelle_temperature_celsius and on(site) margelle_orp_volts",
    "margelle_temperature_celsius unless on(site) margelle_orp_volts",
    "margelle_temperature_celsius or margelle_orp_volts",
    "margelle_temperature_celsius / on(site) margelle_ph",
    "margelle_temperature_celsius / ignoring(quantity) margelle_ph",
    "margelle_temperature_celsius * on(site) group_left sum by (site) (margelle_ph)",
    "sum by (site) (margelle_ph) * on(site) group_right margelle_temperature_celsius",
    "margelle_temperature_celsius > 20",
    "20 < margelle_temperature_celsius",
    "margelle_temperature_celsius > bool 24",
    "margelle_ph == on(site) margelle_ph",
    "1 == bool 1",
    "-margelle_ph",
    "sgn(margelle_ph - 7.2)",
    "clamp(margelle_ph, 7.1, 7.2)", "clamp(margelle_ph, 8, 7)", "clamp_min(margelle_ph, 7.2)", "clamp_max(margelle_ph, 7.2)",
    "vector(1) atan2 vector(2)",
    "pi()",
]  # fmt: skip

RANGE = [
    "margelle_temperature_celsius",
    "margelle_battery_ratio",
    "avg(margelle_temperature_celsius)",
    "sum by (site) (margelle_ph)",
    "sum without (probe, quantity, site) (margelle_ph)",
    "min(margelle_ph)", "max by (vendor) (margelle_ph)", "count(margelle_ph)", "group(margelle_ph)",
    "stddev(margelle_temperature_celsius)", "stdvar(margelle_temperature_celsius)",
    "quantile(0.5, margelle_temperature_celsius)", "quantile(1.5, margelle_ph)",
    "topk(1, margelle_temperature_celsius)",
    *(f"{name}_over_time(margelle_temperature_celsius[1d])" for name in ("avg", "min", "max", "sum", "count", "last", "present", "stddev", "stdvar")),
    "quantile_over_time(0.9, margelle_orp_volts[12h])",
    "avg_over_time(margelle_ph[6h] offset 2h)",
    "delta(margelle_temperature_celsius[6h])", "idelta(margelle_temperature_celsius[6h])",
    "rate(margelle_orp_volts[6h])", "irate(margelle_orp_volts[6h])", "increase(margelle_orp_volts[1d])",
    "deriv(margelle_temperature_celsius[12h])", "predict_linear(margelle_temperature_celsius[1d], 86400)",
    "changes(margelle_ph[1d])", "resets(margelle_ph[1d])",
    "max_over_time(avg(margelle_temperature_celsius)[1d:1h])", "sum_over_time(margelle_ph[6h:20m])", "avg_over_time(margelle_ph[3h:])",
    "max_over_time((margelle_ph * 2)[1d:30m])", "rate(margelle_ph[6h:1h])",
    "margelle_temperature_celsius - margelle_temperature_celsius offset 1d",
    "avg_over_time(margelle_ph[1d] @ end())", "margelle_ph @ start()",
    "(margelle_temperature_celsius - 32) * 5 / 9 > -10", "2 ^ margelle_ph", "margelle_ph % 0.5",
    "margelle_temperature_celsius * on(site) margelle_ph", "margelle_ph and margelle_ph > 7.2", "margelle_ph unless margelle_ph > 7.2",
    "margelle_ph > 7.2 or on(site) margelle_temperature_celsius",
    "predict_linear(margelle_temperature_celsius[1d] offset 6h, 3600)",
    "exp(margelle_ph)", "ln(margelle_ph)", "log2(margelle_ph)", "log10(margelle_ph)", "sqrt(margelle_ph)", "ceil(margelle_ph)", "floor(margelle_ph)",
    "abs(margelle_ph - 8)", "round(margelle_ph)", "round(margelle_ph, 0.05)", "deg(margelle_ph)", "sin(margelle_ph)",
    "hour(timestamp(margelle_ph))", "vector(time())", "scalar(avg(margelle_ph))", "1", "absent(margelle_ph)",
]  # fmt: skip


@pytest.fixture(scope="module")
def hub() -> Metrics:
    return asyncio.run(metrics(water()))


@pytest.fixture(scope="module")
def peer() -> Iterator[str]:
    with prometheus(list(samples(water()))) as url:
        yield url


def theirs(peer: str, path: str, **query: Any) -> Any:
    with urllib.request.urlopen(f"{peer}/api/v1/{path}?{urllib.parse.urlencode(query, doseq=True)}") as answer:
        return json.load(answer)["data"]


def refused(peer: str, path: str, asked: dict[str, Any]) -> tuple[Any, int]:
    try:
        with urllib.request.urlopen(f"{peer}/api/v1/{path}?{urllib.parse.urlencode(asked, doseq=True)}") as told:
            return json.load(told), told.status
    except urllib.error.HTTPError as refusal:
        return json.load(refusal), refusal.code


def comparable(told: Any, query: str) -> Any:
    """An answer whose order says nothing, in an order of its own."""
    result = told["result"]
    if told["resultType"] in {"vector", "matrix"} and not query.startswith(("sort", "topk", "bottomk")):
        result = sorted(result, key=lambda one: sorted(one["metric"].items()))
    return told["resultType"], result


def demand_same(ours: Any, its: Any, where: str = "") -> None:
    if isinstance(its, list):
        assert isinstance(ours, list), where
        assert len(ours) == len(its), f"{where}: {str(ours)[:300]} is not {str(its)[:300]}"
        for n, (one, other) in enumerate(zip(ours, its, strict=True)):
            demand_same(one, other, f"{where}[{n}]")
    elif isinstance(its, dict):
        assert set(ours) == set(its), where
        for name in its:
            demand_same(ours[name], its[name], f"{where}.{name}")
    elif isinstance(its, str) and where.endswith("[1]"):
        assert same_number(ours, its), f"{where}: {ours} is not {its}"
    else:
        assert ours == its, f"{where}: {ours} is not {its}"


def same_number(ours: str, its: str) -> bool:
    if ours == its:
        return True
    one, other = float(ours.replace("Inf", "inf")), float(its.replace("Inf", "inf"))
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("query", INSTANT)
@pytest.mark.parametrize("ago", [timedelta(), timedelta(hours=13, seconds=7)])
async def test_an_instant_query_has_the_answer_that_prometheus_has(
    hub: Metrics, peer: str, query: str, ago: timedelta
) -> None:
    at = (NOW - ago).timestamp()
    ours, its = await hub.told("query", query=query, time=at), theirs(peer, "query", query=query, time=at)
    demand_same(list(comparable(ours, query)), list(comparable(its, query)))


@pytest.mark.parametrize("query", RANGE)
@pytest.mark.parametrize("step", ["1h", "577"])
async def test_a_range_query_has_the_answer_that_prometheus_has(hub: Metrics, peer: str, query: str, step: str) -> None:
    asked = {"query": query, "start": (NOW - 3 * DAY).timestamp(), "end": NOW.timestamp() + 5400, "step": step}
    ours, its = await hub.told("query_range", **asked), theirs(peer, "query_range", **asked)
    demand_same(list(comparable(ours, "")), list(comparable(its, "")))


MATCH = ["margelle_ph", '{site="own:roof",__name__!="margelle_ph"}']


@pytest.mark.parametrize(
    "path", ["series", "labels", "label/site_name/values", "label/__name__/values", "label/none/values"]
)
async def test_names_and_labels_are_those_that_prometheus_has(hub: Metrics, peer: str, path: str) -> None:
    asked = {"match[]": MATCH, "start": (NOW - 9 * DAY).timestamp(), "end": NOW.timestamp()}
    assert await hub.told(path, **asked) == theirs(peer, path, **asked)


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("query", {"query": "margelle_ph["}, 400),
        ("query", {"query": ""}, 400),
        ("query", {"query": "{}"}, 400),
        ("query", {"query": "1 + 'a'"}, 400),
        ("query", {"query": "avg_over_time(margelle_ph)"}, 400),
        ("query", {"query": "1 == 1"}, 400),
        ("query", {"query": "margelle_ph", "time": "yesterday"}, 400),
        ("query", {"query": "margelle_temperature_celsius * on(vendor) margelle_ph"}, 422),
        ("query", {"query": "margelle_temperature_celsius * on(vendor) group_left margelle_ph"}, 422),
        ("query", {"query": "label_replace(margelle_ph, 'site', 'x', 'site', '.*') + 0 or label_replace(margelle_ph, 'probe', '', '', '')"}, 200),
        ("query_range", {"query": "margelle_ph", "start": 1, "end": 0, "step": 1}, 400),
        ("query_range", {"query": "margelle_ph", "start": 0, "end": 1e6, "step": 1}, 400),
        ("query_range", {"query": "margelle_ph", "start": 0, "end": 1, "step": 0}, 400),
        ("query_range", {"query": "margelle_ph[1h]", "start": 0, "end": 1, "step": 1}, 400),
        ("query_range", {"query": "'text'", "start": 0, "end": 1, "step": 1}, 400),
        ("series", {}, 400),
        ("series", {"match[]": "margelle_ph[1h]"}, 400),
    ],
)  # fmt: skip
async def test_what_prometheus_refuses_is_refused_with_the_same_word(
    hub: Metrics, peer: str, path: str, asked: dict[str, Any], status: int
) -> None:
    asked = {"time": NOW.timestamp()} | asked if path == "query" else asked
    answer = await hub.ask(path, **asked)
    its, its_status = refused(peer, path, asked)
    assert (answer.status, answer.json()["status"]) == (its_status, its["status"]) and its_status == status
    assert answer.json().get("errorType") == its.get("errorType")


@asynccontextmanager
async def listening(hub: Metrics) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(hub.app, log_level="critical", ws="none", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        served = asyncio.create_task(server.serve([door]))
        try:
            yield f"http://anna%40example.org:{hub.token}@127.0.0.1:{door.getsockname()[1]}/prometheus"
        finally:
            server.should_exit = True
            await served


async def promtool(*arguments: str) -> str:
    tool = program("promtool", PACKAGE)
    process = await asyncio.create_subprocess_exec(tool, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_promtool_gets_its_answers(hub: Metrics) -> None:
    at = f"--time={NOW.timestamp()}"
    async with listening(hub) as url:
        told = json.loads(await promtool("query", "instant", "-o", "json", at, url, "margelle_ph{site='own:garden'}"))
        assert told[0]["metric"]["site_name"] == "Garden pool"
        span = (f"--start={(NOW - DAY).timestamp()}", f"--end={NOW.timestamp()}", "--step=1h")
        told = json.loads(
            await promtool("query", "range", "-o", "json", *span, url, "avg(margelle_temperature_celsius)")
        )
        assert len(told[0]["values"]) == 25
        assert "margelle_orp_volts" in await promtool("query", "series", "--match=margelle_orp_volts", url)
        assert (await promtool("query", "labels", url, "site")).split() == ["own:garden", "own:lake", "own:roof"]
