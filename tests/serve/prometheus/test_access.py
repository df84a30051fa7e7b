"""Who may ask in PromQL, for how much, and what is said where there is no answer. What the answers are is in test_foreign.py."""

from __future__ import annotations

from typing import Any

import promql_parser
import pytest

from margelle.errors import StoreError
from margelle.serve.app import Api
from margelle.serve.prometheus import samples
from margelle.store.memory import MemoryStore
from tests.asgi import call
from tests.conftest import NOW
from tests.serve.api.hub import HOUR, no_reports
from tests.serve.prometheus.house import Metrics, metrics, water

API = Api(no_reports, requests_per_minute=0)
AT = NOW.timestamp()


@pytest.fixture(scope="module")
def points() -> list[Any]:
    return water()


@pytest.fixture
async def hub(points: list[Any]) -> Metrics:
    return await metrics(points, api=API)


async def test_nothing_of_somebody_elses_is_selected_named_or_told(hub: Metrics) -> None:
    for path, asked in (
        ("query", {"query": '{__name__=~".+"}', "time": AT}),
        ("series", {"match[]": '{__name__=~".+"}'}),
        ("label/site/values", {}),
        ("label/site_name/values", {}),
    ):
        answer = await hub.ask(path, **asked)
        assert b"garden" in answer.body.lower()
        assert b"bath" not in answer.body.lower()


@pytest.mark.parametrize(("scopes", "status"), [(("read",), 200), (("measure",), 403)])
async def test_a_key_needs_the_scope_to_read(hub: Metrics, scopes: Any, status: int) -> None:
    answer = await hub.ask("query", query="1", token=await hub.key(*scopes))
    assert answer.status == status


async def test_who_has_not_signed_in_is_asked_to(hub: Metrics) -> None:
    answer = await call(hub.app, "GET", "/prometheus/api/v1/query?query=1")
    assert (answer.status, answer.json()["errorType"]) == (401, "unauthorized")
    assert "Basic" in answer.headers["www-authenticate"]


async def test_the_quota_is_that_of_the_api(points: list[Any]) -> None:
    hub = await metrics([], api=Api(no_reports, requests_per_minute=2))
    statuses = [(await hub.ask("query", query="1")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await hub.get("/me")).status == 429


async def test_a_form_is_a_question_too(hub: Metrics) -> None:
    asked: dict[str, Any] = {"query": "margelle_ph", "time": AT}
    assert (await hub.ask("query", form=True, **asked)).body == (await hub.ask("query", **asked)).body


async def test_a_measurement_counts_as_present_for_as_long_as_the_settings_say(points: list[Any]) -> None:
    asked: dict[str, Any] = {"query": "count(margelle_temperature_celsius)", "time": NOW.timestamp() + 3 * 3600}
    hub = await metrics(points, api=API)
    assert (await hub.told("query", **asked))["result"] == []
    patient = await metrics(points, api=Api(no_reports, requests_per_minute=0, lookback_s=86_400.0))
    assert (await patient.told("query", **asked))["result"][0]["value"][1] == "3"


async def test_what_is_doubted_is_no_sample(hub: Metrics) -> None:
    told = await hub.told("query", query="sum(count_over_time(margelle_ph[30d]))", time=AT)
    sound = [point for point in await hub.store.history("own:garden/probe", "ph") if point.valid]
    every = 0
    for key in ("garden", "roof", "lake"):
        every += sum(point.valid for point in await hub.store.history(f"own:{key}/probe", "ph"))
    assert len(sound) < len(await hub.store.history("own:garden/probe", "ph"))
    assert told["result"][0]["value"][1] == str(every)


async def test_metadata_says_what_a_metric_is_and_in_which_unit(hub: Metrics) -> None:
    told = await hub.told("metadata")
    assert told["margelle_orp_volts"][0]["unit"] == "volts"
    assert told["margelle_orp_volts"][0]["type"] == "gauge"
    assert list(await hub.told("metadata", metric="margelle_ph")) == ["margelle_ph"]


async def test_the_build_says_whose_language_it_is(hub: Metrics) -> None:
    assert (await hub.told("status/buildinfo"))["version"] == "2.45.0"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("histogram_quantile(0.9, margelle_ph)", "the function histogram_quantile is not supported here"),
        ("histogram_sum(margelle_ph)", "the function histogram_sum is not supported here"),
        ("quantile_over_time(scalar(margelle_ph{site='own:garden'}) * 0 + time() / 1e10, margelle_ph[1h])", None),
    ],
)
async def test_what_is_not_supported_is_named(hub: Metrics, query: str, said: str | None) -> None:
    answer = await hub.ask("query", query=query, time=AT)
    if said is None:
        assert answer.status == 200
    else:
        assert (answer.status, answer.json()["errorType"], answer.json()["error"]) == (422, "execution", said)


async def test_too_many_series_samples_or_instants_are_refused(hub: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_SERIES", 2)
    assert "are the most" in (await hub.ask("query", query="margelle_ph", time=AT)).json()["error"]
    monkeypatch.undo()
    monkeypatch.setattr(samples, "MOST_SAMPLES", 100)
    assert "more than 100 samples" in (await hub.ask("query", query="margelle_ph[7d]", time=AT)).json()["error"]
    monkeypatch.undo()
    span: dict[str, Any] = {"start": (NOW - 72 * HOUR).timestamp(), "end": AT, "step": "1h"}
    monkeypatch.setattr(samples, "MOST_POINTS", 500)
    assert (await hub.ask("query_range", query="margelle_ph", **span)).status == 200
    several = "+".join(["margelle_ph"] * 5)
    assert "take a longer step" in (await hub.ask("query_range", query=several, **span)).json()["error"]
    monkeypatch.undo()
    monkeypatch.setattr(samples, "MOST_WEIGHED", 1000)
    long = await hub.ask("query_range", query="sum_over_time(margelle_ph[7d])", **span)
    assert "a shorter range" in long.json()["error"]


async def test_an_expression_of_too_many_parts_is_not_parsed(hub: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promql_parser, "parse", None)
    for query in ("1" + "+1" * 301, "(" * 301, "a" + " or a" * 301):
        answer = await hub.ask("query", query=query, time=AT)
        assert (answer.status, "operators" in answer.json()["error"]) == (400, True)


async def test_operators_in_texts_and_comments_are_none(hub: Metrics) -> None:
    query = "margelle_ph{site!='" + "(a|b)+" * 301 + "'} # " + "+" * 301
    assert (await hub.ask("query", query=query, time=AT)).status == 200


@pytest.mark.parametrize(
    "query",
    [
        "(" * 1990 + "1" + ")" * 1990,
        "-" * 3900 + "margelle_ph",
        "1" + "+1" * 1990,
        "1" * 5000,
        "margelle_ph{site=~'(a+)+b.*c.*d.*e'}",
        "margelle_ph{site=~'(((((((((((((((((((((a{1,900}){1,900}'}",
        "label_replace(margelle_ph, '9', '$1', 'site', '(')",
        "label_replace(margelle_ph, 'a', '$9${no}$$', 'site', '(.*)')",
        "margelle_ph @ 1e300", "margelle_ph @ -1e300", "stddev(margelle_ph * 1e200)", "stdvar_over_time((margelle_ph * 1e200)[3h:1h])",
        "margelle_ph offset NaN",
        "margelle_ph offset 100y",
        "max_over_time(margelle_ph[100y:1ms])",
        "vector(1e308) * 1e308 - vector(1e308) * 1e308",
        "sum_over_time((vector(1e308) * 10 - vector(1e308) * 10)[1h:1m])",
        "topk(1e300, margelle_ph)", "topk(scalar(margelle_nothing), margelle_ph)",
        "year(vector(1e300))", "day_of_week(vector(-1e14))", "exp(vector(1e9))", "0 ^ -1", "(-8) ^ 0.5", "round(margelle_ph, 0)",
        "\x00", "'", "é", "margelle_ph[1h] offset", "sum(", "{", "margelle_ph{a=}",
    ],
)  # fmt: skip
async def test_whatever_is_asked_is_answered_in_the_shape_of_prometheus(hub: Metrics, query: str) -> None:
    answer = await hub.ask("query", query=query, time=AT)
    assert answer.status in {200, 400, 422}
    assert answer.json()["status"] in {"success", "error"}
    assert "NotFinite" not in answer.text


@pytest.mark.parametrize("limit", ["9" * 5000, "-1", "٣", "0"])
async def test_a_limit_that_is_none_limits_nothing(hub: Metrics, limit: str) -> None:
    assert (await hub.ask("metadata", limit=limit)).json() == (await hub.ask("metadata")).json()


@pytest.mark.parametrize("name", ["time", "start", "end"])
@pytest.mark.parametrize(
    "text", ["1e400", "nan", "-1e300", "2026-07-14T12:00:00", "9999-12-31T23:59:59-14:00", "x" * 500]
)
async def test_no_instant_is_too_odd_to_be_answered(hub: Metrics, name: str, text: str) -> None:
    asked: dict[str, Any] = {"query": "margelle_ph", "start": AT, "end": AT, "step": "1h"} | {name: text}
    path = "query" if name == "time" else "query_range"
    assert (await hub.ask(path, **asked)).status in {200, 400}


async def test_a_store_that_fails_is_503_and_its_troubles_are_not_told() -> None:
    class Broken(MemoryStore):
        async def probes_at(self, sites: Any) -> Any:
            raise StoreError("disk I/O error at /srv")

    hub = await metrics([], api=API)
    broken = Broken()
    broken.__dict__ = hub.store.__dict__
    answer = await Metrics(broken, hub.token, api=API).ask("query", query="margelle_ph")
    assert (answer.status, answer.json()["errorType"]) == (503, "unavailable")
    assert "/srv" not in answer.text


async def test_other_methods_are_refused(hub: Metrics) -> None:
    headers = {"authorization": f"Bearer {hub.token}"}
    answer = await call(hub.app, "DELETE", "/prometheus/api/v1/query", headers)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
