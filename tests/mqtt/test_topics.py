from __future__ import annotations

import pytest

from margelle.domain.quantity import CATALOGUE
from margelle.errors import BadInput, ConfigError
from margelle.intake.point import Point
from margelle.mqtt.broker import Broker
from margelle.mqtt.topics import LONGEST, Target, Topics

NOON = "2026-07-14T12:00:00Z"


def targets(meaning: str, topic: str = "pool/ph") -> tuple[Target, ...]:
    return Topics({topic: meaning}, CATALOGUE).targets[topic]


def points(meaning: str, payload: str | bytes) -> list[Point]:
    payload = payload if isinstance(payload, bytes) else payload.encode()
    return [point for target in targets(meaning) for point in target.points(payload)]


@pytest.mark.parametrize("payload", ["7.40", " 7.40\n", '"7.40"'])
def test_a_plain_number_is_the_quantity_of_its_topic(payload: str) -> None:
    assert points("own:garden ph", payload) == [Point("own:garden", "ph", "", "7.40")]


def test_an_object_tells_a_value_its_time_and_its_unit() -> None:
    told = f'{{"value": 77.0, "unit": "degF", "time": "{NOON}"}}'
    assert points("own:garden temperature", told) == [Point("own:garden", "temperature", NOON, "77.0", "degF")]
    seconds = points("own:garden temperature Cel", '{"value": 25, "unit": "degF", "ts": 1784032200}')
    assert seconds == [Point("own:garden", "temperature", "1784032200", "25", "Cel")], "the settings' unit counts first"


def test_one_message_can_have_several_targets_by_their_places_in_it() -> None:
    meaning = "own:garden temperature degF DS18B20.Temperature; own:garden ph - pH"
    told = '{"Time": "2026-07-14T12:00:00", "DS18B20": {"Temperature": 77}, "pH": 7.4}'
    assert points(meaning, told) == [
        Point("own:garden", "temperature", "2026-07-14T12:00:00", "77", "degF"),
        Point("own:garden", "ph", "2026-07-14T12:00:00", "7.4"),
    ]


def test_for_a_probe_alone_the_object_names_the_quantities() -> None:
    told = f'{{"ph": 7.4, "orp": 650, "battery": null, "at": "{NOON}"}}'
    assert points("own:garden", told) == [
        Point("own:garden", "ph", NOON, "7.4"),
        Point("own:garden", "orp", NOON, "650"),
    ]


@pytest.mark.parametrize(
    ("meaning", "payload", "said"),
    [
        ("own:garden", "7.4", "no JSON object"),
        ("own:garden ph", '{"val": 7}', "has no 'value'"),
        ("own:garden ph - a.b", '{"a": {"c": 1}}', "has no 'a.b'"),
        ("own:garden ph - a.b", '{"a": 1}', "has no 'a.b'"),
        ("own:garden ph", '{"value"', "cannot be read"),
        ("own:garden ph", b"\xff\xfe", "cannot be read"),
        ("own:garden ph", rb'{"value":"\ud800"}', r"cannot be read: \ud800 at byte 10 is half a character"),
        ("own:garden ph", b"1" * (LONGEST + 1), "more than 65536 bytes"),
        ("own:garden ph", '{"value":' + "[" * 50_000, "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(meaning: str, payload: str | bytes, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        points(meaning, payload)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("topic", "meaning", "said"),
    [
        ("pool/ph", "own:garden phh", "did you mean 'ph'?"),
        ("pool/ph", "own:garden ph mV", "does not convert"),
        ("pool/ph", "own:garden ph furlong", "is no unit"),
        ("pool/ph", "own:garden ph - a b", "it is a probe, a quantity, a unit and a path"),
        ("pool/ph", "", "it is a probe"),
        ("pool/#/ph", "own:garden ph", "is no topic"),
        ("pool/a+", "own:garden ph", "is no topic"),
        ("", "own:garden ph", "is no topic"),
    ],
)
def test_a_wrong_mapping_is_said_at_the_start(topic: str, meaning: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Topics({topic: meaning}, CATALOGUE)
    assert said in str(caught.value)


def test_a_broker_has_an_address() -> None:
    assert Broker.of("mqtt://broker.example") == Broker("broker.example", 1883)
    assert Broker.of("mqtts://[::1]:9000", "anna", "x") == Broker("::1", 9000, True, "anna", "x")


@pytest.mark.parametrize(
    "url", ["broker.example", "http://x", "mqtt://", "mqtt://x:y", "mqtt://x/pool", "mqtt://a:b@x"]
)
def test_what_is_no_address_of_a_broker_is_an_error_without_its_text(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Broker.of(url)
    assert "a:b" not in str(caught.value)
