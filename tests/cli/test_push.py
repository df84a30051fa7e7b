"""Measurements sent to a running hub, over HTTP and MQTT."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from tests.cli.conftest import PATIENCE_S, Margelle, Start
from tests.mqtt.brokers import RealBroker

POINT = {"probe": "own:pool", "quantity": "ph", "at": "2026-07-14T12:30:00Z", "value": 7.4}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RealBroker]:
    broker = RealBroker("amqtt", tmp_path)
    broker.start()
    yield broker
    broker.end()


def test_what_is_sent_to_a_running_hub_is_kept(margelle: Margelle, start: Start, broker: RealBroker) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    margelle("site", "add", "Pool")
    token = margelle("user", "token", "anna@example.org").out.strip()
    mqtt = ("--set", f"mqtt.url=mqtt://127.0.0.1:{broker.port}", "--set", "mqtt.topics=pool/orp=own:pool orp V")
    hub = start("serve", "--port", "0", *mqtt)
    url = hub.until(r"Pages:\s+(http://\S+)/")[1]
    hub.until("Listening to 1 topics")
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/measurements", json.dumps(POINT).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["new"] == 1
    asyncio.run(_tell(broker, "pool/orp", '{"value": 0.65, "at": 1784032200}'))
    give_up = time.monotonic() + PATIENCE_S
    while "orp,650,mV,true,,0.65,V,own/mqtt" not in (kept := margelle("export").out):
        assert time.monotonic() < give_up, kept
    assert "ph,7.4,[pH],true,,7.4,[pH],own/http" in kept
    assert hub.end() == 0
    assert token not in hub.text


def test_a_hub_that_ends_lets_its_listeners_go(margelle: Margelle, start: Start) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    margelle("site", "add", "Pool")
    margelle("measure", "own:pool", "ph=7.4", "--at", "2026-07-14T12:30Z")
    token = margelle("user", "token", "anna@example.org", "--scope", "read", "--scope", "measure").out.strip()
    hub = start("serve", "--port", "0", "--no-collect", "--set", "metrics=true")
    url = hub.until(r"Pages:\s+(http://\S+)/")[1]
    headers = {"authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/stream", headers=headers)) as stream:
        assert stream.readline() == b"retry: 3000\n"
        margelle("measure", "own:pool", "ph=7.5")  # another process
        told = b"".join(iter(stream.readline, b"event: measurement\n")) + stream.readline()
        assert b'"value":7.5' in told
        with urllib.request.urlopen(urllib.request.Request(f"{url}/metrics", headers=headers)) as scraped:
            text = scraped.read().decode()
        assert "margelle_store_measurements 2.0" in text
        assert float(re.search(r"(?m)^margelle_store_size_bytes (\S+)", text)[1]) > 4096  # type: ignore[index]
        assert hub.end() == 0
        with suppress(http.client.IncompleteRead):  # cut, as by a network that fails: the client comes back
            assert b"measurement" not in stream.read()


def test_a_token_has_a_name_scopes_and_an_end_and_is_found_in_the_list(margelle: Margelle) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    made = margelle(
        "user",
        "token",
        "anna@example.org",
        "--name",
        "dashboard",
        "--scope",
        "read",
        "--scope",
        "control",
        "--days",
        "9",
    )
    told = json.loads(margelle("user", "token", "anna@example.org", "--list", "--json").out)
    assert [(one["name"], one["scopes"], bool(one["expires_at"])) for one in told] == [
        ("dashboard", ["read", "control"], True)
    ]
    shown = margelle("user", "token", "anna@example.org", "--list").out
    assert "dashboard" in shown
    assert made.out.strip() not in shown
    refused = margelle("user", "token", "anna@example.org", "--scope", "everything")
    assert "There is no scope 'everything'" in refused.err
    margelle("user", "token", "anna@example.org", "--revoke", stdin=made.out)
    assert "There is no token yet" in margelle("user", "token", "anna@example.org", "--list").err


async def _tell(broker: RealBroker, topic: str, payload: str) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(topic, payload, qos=1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("mqtt.url=mqtt://127.0.0.1:1",), "mqtt.topics names no topic"),
        (("mqtt.url=mqtt://127.0.0.1:1", "mqtt.topics=a=own:pool phh"), "did you mean 'ph'?"),
        (("mqtt.url=http://127.0.0.1:1", "mqtt.topics=a=own:pool ph"), "is no address of a broker"),
    ],
)
def test_a_wrong_setting_ends_the_start(margelle: Margelle, settings: tuple[str, ...], said: str) -> None:
    flags = [part for setting in settings for part in ("--set", setting)]
    ended = margelle("serve", "--port", "0", *flags)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
