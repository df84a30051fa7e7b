"""The 13 bytes that a Flipr tells over Bluetooth, and what a calibration makes of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.json import encode

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe
from margelle.domain.unit import Unit
from margelle.errors import ConfigError
from margelle.vendors.flipr.calibration import FACTORY, ORP_MV, PH4, PH7, Calibration, calibrations
from margelle.vendors.flipr.frame import (
    CHARGE,
    LENGTH,
    MODES,
    ORP_STEP,
    PLAUSIBLE,
    TEMPERATURE_STEP,
    Frame,
    charge,
    frame_from,
    measurements_of,
)
from margelle.vendors.flipr.translate import View, measure_to, measures_to, resume_to
from tests.conftest import NOW
from tests.evidence import facts

FACTS = facts("flipr", "bluetooth")
(SAMPLE,) = FACTS["frames"]
FRAME = frame_from(bytes.fromhex(SAMPLE["bytes"]))
PROBE = Probe("flipr:F2B123/probe", "flipr:F2B123", "flipr", "F2B123", "F2B123")
VIEW = View("fr", "chlorine")
KNOWN = Calibration.of("ph7=1634/7.02 ph4=1916/4.00 orp=640/650")


def told(frame: Frame, calibration: Calibration = KNOWN, *, known_model: bool = True) -> dict[str, Measurement]:
    found = measurements_of(frame, PROBE, NOW, calibration, known_model=known_model)
    assert len({one.quantity for one in found}) == len(found)
    return {one.quantity: one for one in found}


def kinds(found: dict[str, Measurement]) -> dict[str, list[str]]:
    return {name: [doubt.kind for doubt in one.doubts] for name, one in found.items() if one.doubts}


# --- the frame


def test_factors_lengths_modes_and_limits_are_those_of_the_evidence() -> None:
    assert (LENGTH, str(TEMPERATURE_STEP), str(ORP_STEP)) == (
        FACTS["length"], FACTS["steps"]["temperature_celsius"], FACTS["steps"]["orp_mv"],
    )  # fmt: skip
    assert {str(mode): name for mode, name in MODES.items()} == FACTS["modes"]
    assert {name: list(limits[:2]) for name, limits in PLAUSIBLE.items()} == FACTS["plausible"]
    assert sorted(CHARGE) == sorted(map(tuple, FACTS["battery"]))


@given(st.binary(min_size=13, max_size=13))
def test_every_field_lies_where_the_evidence_says_and_no_byte_is_lost(said: bytes) -> None:
    frame = frame_from(said)
    ours: dict[str, Any] = structs.asdict(frame)
    for name, (start, end) in FACTS["layout"].items():
        assert ours.pop(name) == int.from_bytes(said[start:end], "little")
    assert ours == {"word_6": said[6] + 256 * said[7], "word_9": said[9] + 256 * said[10]}
    assert frame.asleep == said.hex().startswith(FACTS["standby_begins"])
    assert bool(told(frame)) != frame.asleep


def test_the_documented_frame_tells_what_its_document_says() -> None:
    found = told(FRAME)
    assert found["temperature"].value == SAMPLE["temperature_celsius"]
    assert float(found["ph"].raw) == SAMPLE["ph_mv"]
    assert float(found["orp"].raw) == SAMPLE["orp_mv"]
    assert found["flipr.mode"].value == SAMPLE["mode"]
    assert float(found["battery"].raw) == SAMPLE["battery_mv"]
    assert {name: (one.raw, one.raw_unit) for name, one in found.items()} == {
        "temperature": ("25.02", Unit.CELSIUS),
        "ph": ("1600", Unit.MILLIVOLT),
        "orp": ("650.0", Unit.MILLIVOLT),
        "battery": ("3600", Unit.MILLIVOLT),
        "flipr.mode": ("2", Unit.RATIO),
        "flipr.word_6": ("0", Unit.RATIO),
        "flipr.word_9": ("0", Unit.RATIO),
    }
    assert {one.origin for one in found.values()} == {"flipr/bluetooth"}
    assert {one.at for one in found.values()} == {NOW}


@pytest.mark.parametrize("said", FACTS["implausible"], ids=lambda said: said["quantity"])
def test_what_a_probe_cannot_mean_is_kept_with_a_doubt(said: dict[str, str]) -> None:
    found = told(frame_from(bytes.fromhex(said["bytes"])))
    assert kinds(found) == {said["quantity"]: ["vendor"]}
    assert found[said["quantity"]].raw in found[said["quantity"]].doubts[0].reason


@given(st.binary().filter(lambda said: len(said) != 13))
def test_another_length_is_no_frame(said: bytes) -> None:
    with pytest.raises(ValueError, match=f"{len(said)} bytes where a measure has 13"):
        frame_from(said)


@pytest.mark.parametrize(("voltage_mv", "percent"), FACTS["battery"])
def test_the_battery_is_as_full_as_the_evidence_says(voltage_mv: int, percent: int) -> None:
    assert charge(voltage_mv) == percent


def test_between_two_voltages_the_charge_is_on_a_straight_line() -> None:
    assert [charge(mv) for mv in (0, 2799, 2850, 3350, 3425, 3575, 3601, 65535)] == [
        0,
        0,
        1,
        57.5,
        77.5,
        99.5,
        100,
        100,
    ]


def test_what_nobody_knows_is_kept_as_it_came() -> None:
    found = told(frame_from(bytes.fromhex("a10140061405" + "0102" + "03" + "0405" + "100e")))
    unread = [found[name].value for name in ("flipr.word_6", "flipr.mode", "flipr.word_9")]
    assert unread == [0x0201, 0x03, 0x0504]


def test_only_no_temperature_at_all_is_standby() -> None:
    assert [structs.replace(FRAME, temperature=steps).asleep for steps in (0, 1, 256)] == [True, False, False]
    assert told(structs.replace(FRAME, temperature=1))["temperature"].value == 0.06


def test_the_first_doubt_is_the_one_that_matters_most() -> None:
    found = told(structs.replace(FRAME, ph_mv=100), Calibration(), known_model=False)["ph"]
    said = [
        "the probe sent 100 mV, which cannot be",
        "by the factory's line",
        "the factors of this model are not known",
    ]
    assert [doubt.reason[: len(start)] for doubt, start in zip(found.doubts, said, strict=True)] == said


# --- calibration


def test_the_factory_line_and_the_solutions_are_those_of_the_evidence() -> None:
    assert FACTS["ph_factory_line"] == {"at_0_mv": FACTORY[0], "per_mv": FACTORY[1]}
    assert (FACTS["ph_references"], FACTS["orp_reference_mv"]) == ([PH7, PH4], ORP_MV)


@pytest.mark.parametrize(("ph", "electrode_mv"), FACTS["ph_factory_samples"])
def test_without_a_calibration_ph_is_by_the_factory_line(ph: float, electrode_mv: float) -> None:
    assert Calibration().ph(electrode_mv) == pytest.approx(ph, abs=0.005)


@pytest.mark.parametrize("said", FACTS["ph_calibrated"])
def test_a_calibrated_electrode_tells_a_solution_what_it_is(said: dict[str, Any]) -> None:
    (mv7, ph7), (mv4, ph4) = said["ph7"], said["ph4"]
    assert Calibration.of(f"ph7={mv7}/{ph7} ph4={mv4}/{ph4}").ph(said["mv"]) == said["ph"]


def test_what_the_expert_view_shows_is_as_good_as_millivolts() -> None:
    of_app, of_mv = Calibration.of("ph7=8.40 ph4=6.02"), Calibration.of("ph7=1634/7.02 ph4=1916/4")
    for electrode_mv in (1500, 1634, 1800, 1916):
        assert of_app.ph(electrode_mv) == pytest.approx(of_mv.ph(electrode_mv), abs=0.01)


def test_orp_is_moved_by_as_much_as_it_was_off() -> None:
    assert [Calibration.of(text).orp(600.5) for text in ("orp=640/650", "orp=468/468", "orp=660")] == [
        610.5,
        600.5,
        590.5,
    ]


def test_values_have_three_decimals_and_electrodes_read_from_500_to_3000_mv() -> None:
    assert (KNOWN.ph(1601), Calibration().ph(1601), Calibration.of("orp=0.0004").orp(1)) == (7.373, 8.681, 651)
    assert Calibration.of("ph7=500 ph4=3000").ph(500) == 7.02
    assert Calibration.of("ph7=1634 ph4=1654").has_ph


def test_what_is_not_calibrated_is_doubted_and_nothing_else() -> None:
    assert kinds(told(FRAME, Calibration())) == {"ph": ["uncalibrated"], "orp": ["uncalibrated"]}
    assert kinds(told(FRAME, Calibration.of("orp=650"))) == {"ph": ["uncalibrated"]}
    assert kinds(told(FRAME, Calibration.of("ph7=1634 ph4=1916"))) == {"orp": ["uncalibrated"]}
    assert kinds(told(FRAME)) == {}
    assert told(FRAME, Calibration())["orp"].value == 650
    old = kinds(told(FRAME, known_model=False))
    assert old == {name: ["uncalibrated"] for name in PLAUSIBLE}


@pytest.mark.parametrize(
    "text",
    ["", "ph7=1634", "ph4=1916", "ph7=1634 ph4=1916 ph7=1634", "ph9=1634", "ph7=-1 ph4=4", "ph7=1634/ ph4=1916", "orp", "orp=x", "ph7=1634 ph4=1653",
     "ph7=1634 ph4=499", "ph7=499 ph4=1634", "ph7=1634 ph4=3001", "ph7=1634/4 ph4=1916/4", "ph7=1634/4 ph4=1916/7", "ph7=1634/15 ph4=1916"],
)  # fmt: skip
def test_what_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"flipr\.calibration, F2B123: .* is no calibration"):
        calibrations({"F2B123": text})


def test_a_serial_is_written_in_any_case() -> None:
    assert calibrations({"f2b123": "orp=640/650"}) == {"F2B123": Calibration(orp_reading_mv=640, orp_reference_mv=650)}


# --- Flipr's own face


def test_flipr_s_face_shows_what_was_measured_and_not_what_the_electrode_said() -> None:
    shown = json.loads(encode(measure_to(told(FRAME), VIEW)))
    assert (shown["Temperature"], shown["PH"]["Value"], shown["OxydoReductionPotentiel"]["Value"]) == (25.02, 7.38, 660)
    assert shown["Battery"]["Deviation"] == 1


def test_flipr_s_face_does_not_show_what_is_not_calibrated() -> None:
    found = told(FRAME, Calibration())
    assert json.loads(encode(measure_to(found, VIEW)))["PH"]["Value"] is None
    assert bytes(resume_to(found, [], VIEW).current) == b'""'
    assert bytes(resume_to(told(FRAME), [], VIEW).current) != b'""'


def test_the_past_has_one_measure_for_each_frame() -> None:
    later = [structs.replace(one, at=NOW + timedelta(hours=1)) for one in told(FRAME).values()]
    assert len(measures_to([*told(FRAME).values(), *later], VIEW)) == 2
