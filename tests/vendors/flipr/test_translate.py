"""Between Flipr's words and ours, each held against what others wrote."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.json import decode, encode
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account, Band, Disinfection, Recommendation, Scalar, Site
from margelle.domain.unit import Unit
from margelle.vendors.flipr import FLIPR, wire
from margelle.vendors.flipr.translate import (
    HUB,
    View,
    alert_to,
    days_to,
    disinfectant_from,
    measure_to,
    measurements_from,
    measures_to,
    module_to,
    not_a_hub,
    pool_to,
    preferred_number,
    probe_from,
    resume_to,
    serial_of,
    short_term_to,
    shows_itself,
    site_from,
    thresholds_to,
)
from margelle.vendors.flipr.translate import PROBE as PROBE_TYPE
from margelle.vendors.flipr.translate.words import (
    LABELS,
    MESSAGES,
    ph_deviation,
    rounded,
    sector_of,
    time_from,
    time_to,
)
from tests.evidence import answer, exchange, facts
from tests.vendors.flipr.house import DOCUMENTED, MEASURED_AT, PROBE, SITE, documented, point

LISTS = facts("flipr", "lists")
DOCUMENT = exchange("flipr", "survey-last").response.json
CURRENT = answer("flipr", "a resume").json["Current"]
FRENCH = View("fr", "chlorine")
ACCOUNT = Account("flipr-1", "flipr", "john@doe.org", "john@doe.org")


def measure(**changed: Any) -> wire.Measure:
    """The document's measure, with other values."""
    return decode(json.dumps(DOCUMENT | changed), type=wire.Measure)


def read(**changed: Any) -> dict[str, Measurement]:
    return {one.quantity: one for one in measurements_from(measure(**changed), PROBE, "flipr/survey/last")}


def shown(*points: Measurement, view: View = FRENCH) -> Any:
    return json.loads(encode(measure_to({one.quantity: one for one in points}, view)))


def resumed(*points: Measurement) -> Any:
    return json.loads(encode(resume_to({one.quantity: one for one in points}, [], FRENCH)))["Current"]


def foreign(quantity: str, value: float | None, at: datetime = MEASURED_AT, **other: Any) -> Measurement:
    return point(quantity, value, at, origin="ondilo/lastmeasures", probe="ondilo:234/ico", **other)


# --- deviations, numbers, times


@pytest.mark.parametrize(("ph", "deviation"), LISTS["ph_samples"])
def test_a_ph_deviates_as_the_documents_samples_do(ph: float, deviation: float) -> None:
    assert ph_deviation(ph) == deviation


@pytest.mark.parametrize(("deviation", "sector"), LISTS["sector_samples"])
def test_a_deviation_has_the_sector_that_the_cloud_gave_it(deviation: float, sector: str) -> None:
    assert sector_of(deviation) == sector


def test_the_sectors_meet_where_the_alarm_is_and_halfway_to_it() -> None:
    alarm = LISTS["alarm_deviation"]
    values = [-alarm - 0.01, -alarm, -0.51, -0.5, 0.0, 0.5, 0.51, alarm, alarm + 0.01]
    low, medium_low, medium, medium_high, high = LISTS["sectors"]
    assert [sector_of(one) for one in values] == [
        low, medium_low, medium_low, medium, medium, medium, medium_high, medium_high, high
    ]  # fmt: skip


def test_the_words_are_those_that_clients_know() -> None:
    assert MESSAGES["fr"]["TooLow"] == DOCUMENT["PH"]["Message"] == DOCUMENT["Desinfectant"]["Message"]
    assert set(MESSAGES["fr"].values()) - {"Trop élevé"} == set(LISTS["messages_fr"])
    assert list(MESSAGES["fr"].items()) == list(
        zip(LISTS["sectors"], ("Trop faible", "Bon", "Parfait", "Bon", "Trop élevé"), strict=True)
    )
    assert list(MESSAGES["en"].items()) == list(
        zip(LISTS["sectors"], ("Too low", "Good", "Perfect", "Good", "Too high"), strict=True)
    )
    for label, kind in LISTS["disinfectant_labels"].items():
        assert LABELS["fr"][kind] == label
        said = measure(Desinfectant=DOCUMENT["Desinfectant"] | {"Label": label})
        assert disinfectant_from(said) == kind
        english = measure(Desinfectant={"Label": LABELS["en"][kind].upper()})
        assert disinfectant_from(english) == kind
    assert disinfectant_from(measure(Desinfectant={"Label": "Ozone"})) is None
    assert disinfectant_from(measure(Desinfectant=None)) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (DOCUMENT["DateTime"], MEASURED_AT),
        (CURRENT["DateTime"], datetime(2021, 2, 1, 7, 40, 21, tzinfo=UTC)),
        ("2021-02-01 07:40:21.5", datetime(2021, 2, 1, 7, 40, 21, 500000, tzinfo=UTC)),
        ("2021-02-01T08:40:21+01:00", datetime(2021, 2, 1, 7, 40, 21, tzinfo=UTC)),
        ("2021-02-01T07:40:21.1234567Z", datetime(2021, 2, 1, 7, 40, 21, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_to_the_microsecond_in_utc(text: str, at: datetime) -> None:
    assert time_from(text) == at


def test_a_time_without_a_zone_is_utc_wherever_the_hub_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        told = time_from("2021-02-01 07:40:21")
    time.tzset()
    assert told == datetime(2021, 2, 1, 7, 40, 21, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2021-02-30T00:00:00Z", "2021-02-01"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        time_from(text)


def test_a_time_is_printed_with_the_digits_it_has() -> None:
    assert time_to(MEASURED_AT) == "2018-01-09T09:30:05.558277Z"
    assert time_to(datetime(2021, 2, 1, 7, 40, 20, tzinfo=UTC)) == "2021-02-01T07:40:20Z"
    assert time_to(datetime(2021, 2, 1, 7, 40, 20, 500000, tzinfo=UTC)) == "2021-02-01T07:40:20.5Z"


def test_numbers_have_two_decimals_halves_to_even_and_no_needless_point() -> None:
    assert [rounded(one) for one in (7.125, 7.135, 19.0, -0.225, 1e20, 1e40)] == [
        7.12,
        7.14,
        19,
        -0.22,
        10**20,
        int(1e40),
    ]
    assert isinstance(rounded(19.0), int)


# --- reading a measure


def test_the_documents_measure_is_read_as_it_was_written() -> None:
    told = read()
    assert {name: (one.value, one.raw, one.raw_unit) for name, one in told.items()} == DOCUMENTED
    assert {one.at for one in told.values()} == {MEASURED_AT}
    assert all(one.valid and one.probe == PROBE.id and one.origin == "flipr/survey/last" for one in told.values())


@pytest.mark.parametrize(
    ("key", "quantity"),
    [("Temperature", "temperature"), ("PH", "ph"), ("OxydoReductionPotentiel", "orp"), ("Conductivity", "conductivity"),
     ("CloudCoverage", "cloud_cover"), ("Battery", "battery")],
)  # fmt: skip
def test_each_quantity_has_the_unit_of_the_evidence(key: str, quantity: str) -> None:
    assert read()[quantity].raw_unit == Unit(LISTS["units"][key])


def test_a_measure_of_2021_has_an_estimate_and_a_level() -> None:
    told = read(**CURRENT)
    assert (told["free_chlorine_estimate"].value, told["free_chlorine_estimate"].raw) == (0.3199, "0.3199")
    assert told["free_chlorine_estimate"].raw_unit == Unit(LISTS["units"]["Desinfectant"])
    level = told["conductivity"]
    assert (level.value, level.raw, level.doubts) == (
        None,
        "Low",
        (Doubt("vendor", "the cloud tells a level only: Low"),),
    )
    assert told["battery"].value == 75
    assert told["flipr.disinfectant_deviation"].value == -1.0137


@pytest.mark.parametrize(("ph", "deviation", "sector"), LISTS["ph_told"])
def test_a_deviation_of_ph_is_the_clouds_and_not_reckoned_anew(ph: float, deviation: float, sector: str) -> None:
    assert ph_deviation(ph) != deviation
    points = read(PH={"Label": "PH", "Value": ph, "Deviation": deviation}).values()
    assert shown(*points)["PH"] | {"Message": ""} == {
        "Label": "PH", "Message": "", "Deviation": deviation, "Value": ph, "DeviationSector": sector,
    }  # fmt: skip
    (day,) = json.loads(encode(days_to({one.quantity: [one] for one in points}, FRENCH)))
    assert (day["PH"]["MaxDeviation"], day["PH"]["MaxValue"]) == (deviation, ph)


def test_a_told_deviation_has_its_own_sector_and_digits() -> None:
    """A pH of 7.404 is told as 7.4, which is 0.5 from ideal, and by its other digits 0.51; one of 7.6 is at the alarm."""
    beyond = {one.quantity: one for one in read(PH={"Value": 7.4, "Deviation": 0.51}).values()}
    at_alarm = {one.quantity: one for one in read(PH={"Value": 7.6, "Deviation": 1}).values()}
    assert shown(*beyond.values())["PH"] == {
        "Label": "PH", "Message": "Bon", "Deviation": 0.51, "Value": 7.4, "DeviationSector": "MediumHigh"
    }  # fmt: skip
    assert b'"Deviation":1,"Value":7.6' in encode(measure_to(at_alarm, FRENCH))


def test_bromine_is_another_estimate() -> None:
    told = read(Desinfectant={"Label": "Brome", "Value": 3.2})
    assert told["bromine_estimate"].value == 3.2
    assert "free_chlorine_estimate" not in told


def test_what_is_not_there_is_no_measurement() -> None:
    told = read(Temperature=None, UvIndex="", PH={"Label": "PH", "Value": 7.2}, Conductivity={"Label": "x"}, Battery=None, Desinfectant=None)  # fmt: skip
    assert set(told) == {"ph", "orp", "cloud_cover"}


def test_what_is_no_number_is_kept_unread() -> None:
    told = read(Temperature="warm", PH={"Value": [7]})
    assert (told["temperature"].value, told["temperature"].raw) == (None, '"warm"')
    assert told["temperature"].doubts == (Doubt("unreadable", '"warm" is no number'),)
    assert told["ph"].raw == "[7]"


def test_what_is_no_text_in_utf_8_is_kept_as_far_as_it_can_be() -> None:
    said = decode(b'{"DateTime":"2021-02-01T07:40:21Z","Temperature":"\xe9"}', type=wire.Measure)
    (told,) = measurements_from(said, PROBE, "flipr/survey/last")
    assert (told.value, told.raw) == (None, '"\N{REPLACEMENT CHARACTER}"')


def test_of_what_is_no_number_the_beginning_is_kept() -> None:
    told = read(Temperature="x" * 3000, Conductivity={"Level": "y" * 3000})
    assert told["temperature"].raw == '"' + "x" * 1999
    assert told["temperature"].doubts == (Doubt("unreadable", '"' + "x" * 39 + " is no number"),)
    assert told["conductivity"].raw == "y" * 2000
    assert told["conductivity"].doubts == (Doubt("vendor", "the cloud tells a level only: " + "y" * 40),)


def test_a_level_that_is_no_text_is_kept_as_it_is_written() -> None:
    assert read(Conductivity={"Level": 3})["conductivity"].raw == "3"
    assert "conductivity" not in read(Conductivity={"Level": ""})


def test_a_number_too_large_to_count_with_is_kept_unread() -> None:
    assert read(Temperature=10**400)["temperature"].value is None


@pytest.mark.parametrize("nothing", [0, 0.0, None, ""])
def test_a_probe_that_sleeps_is_doubted_but_for_the_sky_and_its_battery(nothing: Any) -> None:
    told = read(Temperature=nothing, PH={"Value": nothing}, OxydoReductionPotentiel={"Value": 0})
    assert told["orp"].doubts == (Doubt("vendor", "the probe sleeps for the winter, or is not calibrated"),)
    assert told["conductivity"].doubts[0].kind == "vendor"
    assert all(told[name].valid for name in ("uv_index", "cloud_cover", "battery"))
    kept = told.get("temperature")
    assert kept is None if nothing in {None, ""} else kept is not None and (kept.value, kept.valid) == (0.0, False)


def test_a_true_zero_is_a_temperature_like_any_other() -> None:
    zero = read(Temperature=0, PH={"Value": 7.1})["temperature"]
    assert (zero.value, zero.raw, zero.valid) == (0.0, "0", True)


@pytest.mark.parametrize(
    ("changed", "valid"), [({"PH": None}, False), ({"PH": None, "Temperature": 21.0}, True), ({"PH": {}}, False)]
)
def test_without_a_ph_a_temperature_tells_whether_the_probe_sleeps(changed: dict[str, Any], valid: bool) -> None:
    assert read(**({"Temperature": 0} | changed))["orp"].valid is valid


def test_a_doubt_is_added_to_those_that_there_are() -> None:
    orp = read(Temperature=0, PH={"Value": 0}, OxydoReductionPotentiel={"Value": "high"})["orp"]
    asleep = Doubt("vendor", "the probe sleeps for the winter, or is not calibrated")
    assert (orp.raw, orp.raw_unit) == ('"high"', Unit.MILLIVOLT)
    assert orp.doubts == (Doubt("unreadable", '"high" is no number'), asleep)


def test_a_charge_that_is_no_number_is_kept_unread() -> None:
    battery = read(Battery={"Deviation": "full"})["battery"]
    assert (battery.value, battery.raw, battery.valid) == (None, '"full"', False)


def test_a_conductivity_is_told_once_or_not_at_all() -> None:
    def told(**changed: Any) -> list[float | None]:
        read = measurements_from(measure(**changed), PROBE, "flipr/survey/last")
        return [one.value for one in read if one.quantity == "conductivity"]

    assert told(Conductivity={"Value": 1413, "Level": "Low"}) == [1413]
    assert told(Conductivity=None) == []


# --- printing a measure


def test_the_documents_measure_comes_back_as_it_was() -> None:
    printed = shown(*documented())
    invented = {"MeasureId": 1515490205, "DateTime": "2018-01-09T09:30:05.558277Z"}
    assert printed == DOCUMENT | invented
    assert list(printed) == list(DOCUMENT)
    assert all(list(printed[key]) == list(value) for key, value in DOCUMENT.items() if isinstance(value, dict))


def test_a_measure_of_2021_comes_back_as_it_came() -> None:
    printed = shown(*read(**CURRENT).values())
    assert printed["PH"] == CURRENT["PH"]
    for key in ("Temperature", "OxydoReductionPotentiel", "Conductivity", "Battery", "Desinfectant", "UvIndex"):
        assert printed[key] == CURRENT[key]


def test_labels_and_messages_speak_the_users_language() -> None:
    printed = shown(*documented(), view=View("en", "chlorine"))
    assert printed["PH"]["Message"] == "Too low"
    assert [printed[key]["Label"] for key in ("PH", "OxydoReductionPotentiel", "Conductivity", "Battery", "Desinfectant")] == [
        "PH", "Redox potential", "Conductivity", "Battery", "Chlorine"
    ]  # fmt: skip


def test_another_vendors_values_have_flipr_units_and_two_decimals() -> None:
    printed = shown(foreign("temperature", 25.5), foreign("ph", 7.234), foreign("orp", 725.0), foreign("battery", 87.0), foreign("rssi", 60.0))  # fmt: skip
    assert printed["Temperature"] == 25.5
    assert printed["PH"] == {"Label": "PH", "Message": "Parfait", "Deviation": 0.08, "Value": 7.23, "DeviationSector": "Medium"}  # fmt: skip
    assert printed["OxydoReductionPotentiel"]["Value"] == 725
    assert printed["Battery"]["Deviation"] == 0.87
    assert printed["UvIndex"] is printed["CloudCoverage"] is printed["Conductivity"]["Value"] is None


@pytest.mark.parametrize("doubts", [None, (Doubt("vendor", "out of the water"),)])
def test_an_unknown_temperature_is_not_there_since_homey_takes_null_for_0_degrees(doubts: Any) -> None:
    points = [] if doubts is None else [foreign("temperature", 25.5, doubts=doubts)]
    printed = shown(foreign("ph", 7.2), *points)
    assert list(printed) == [key for key in DOCUMENT if key != "Temperature"]


@pytest.mark.parametrize("solids", ["tds", "salt"])
def test_solids_become_conductivity_by_the_named_factor(solids: str) -> None:
    assert shown(foreign("temperature", 25.5), foreign(solids, 702.0))["Conductivity"] == {
        "Label": "Conductivité",
        "Value": 1404,
    }


def test_a_conductivity_wins_over_solids() -> None:
    assert shown(foreign("conductivity", 1413.0), foreign("tds", 600.0))["Conductivity"]["Value"] == 1413


def test_another_vendors_doubtful_value_is_none() -> None:
    dry = (Doubt("vendor", "The probe is out of the water"),)
    printed = shown(foreign("ph", 6.6, doubts=dry), foreign("temperature", 21.0))
    assert printed["PH"] == {"Label": "PH", "Message": None, "Deviation": None, "Value": None, "DeviationSector": None}
    assert printed["Temperature"] == 21


def test_the_disinfectant_is_told_by_the_orp_between_the_owners_limits() -> None:
    usual = shown(foreign("orp", 620.0))["Desinfectant"]
    assert usual == {"Label": "Chlore", "Message": "Trop faible", "Deviation": -1.6, "DeviationSector": "TooLow"}
    view = View.of(replace(SITE, bands={"orp": Band(600, 850)}, disinfection=Disinfection("salt")), "fr")
    own = shown(foreign("orp", 800.0), view=view)["Desinfectant"]
    assert own == {"Label": "Sel", "Message": "Bon", "Deviation": 0.6, "DeviationSector": "MediumHigh"}
    for unusable in (Band(600, None), Band(None, 850), Band(800, 800)):
        assert View.of(replace(SITE, bands={"orp": unusable}), "fr").orp == (650, 750)
    assert shown(foreign("temperature", 20.0))["Desinfectant"]["DeviationSector"] is None


def test_a_disinfectant_that_flipr_has_no_word_for_is_called_chlorine() -> None:
    assert shown(foreign("orp", 700.0), view=View("fr", "oxygen"))["Desinfectant"]["Label"] == "Chlore"


def test_a_told_deviation_wins_over_the_orp() -> None:
    told = shown(point("flipr.disinfectant_deviation", 0.1), point("orp", 181.0))["Desinfectant"]
    assert told == {"Label": "Chlore", "Message": "Parfait", "Deviation": 0.1, "DeviationSector": "Medium"}


def test_a_value_of_its_own_that_was_written_as_no_number_is_printed_as_one() -> None:
    assert shown(point("ph", 7.2, raw="seven"))["PH"]["Value"] == 7.2


def test_bromine_has_its_label() -> None:
    assert shown(foreign("bromine_estimate", 3.204))["Desinfectant"] | {} == {
        "Label": "Brome", "Message": None, "Deviation": None, "Value": 3.2, "DeviationSector": None
    }  # fmt: skip


# --- NewResume


def test_a_resume_gives_every_number_that_its_clients_count_with() -> None:
    current = resumed(foreign("temperature", 21.0), foreign("ph", 7.2), foreign("orp", 700.0))
    assert (current["Desinfectant"]["Value"], current["Battery"]["Deviation"]) == (0, 1)
    assert current["Desinfectant"]["DeviationSector"] == current["PH"]["DeviationSector"] == "Medium"


def test_a_resume_of_zero_degrees_says_a_hundredth() -> None:
    points = [foreign("temperature", 0.0), foreign("ph", 7.2), foreign("orp", 700.0)]
    assert resumed(*points)["Temperature"] == 0.01
    assert shown(*points)["Temperature"] == 0


@pytest.mark.parametrize("missing", ["temperature", "ph", "orp"])
def test_a_resume_without_what_a_flipr_measures_is_of_a_sleeping_probe(missing: str) -> None:
    asleep = answer("flipr", "a resume of a sleeping probe").json["Current"]
    points = {"temperature": 21.0, "ph": 7.2, "orp": 700.0}
    assert resumed(*(foreign(name, value) for name, value in points.items() if name != missing)) == asleep
    doubt = (Doubt("vendor", "out of the water"),)
    assert (
        resumed(*(foreign(name, value, doubts=doubt if name == missing else ()) for name, value in points.items()))
        == asleep
    )


@pytest.mark.parametrize("doubtful", ["temperature", "ph", "orp"])
def test_a_resume_does_not_count_with_what_is_doubtful(doubtful: str) -> None:
    doubts = {doubtful: (Doubt("vendor", "asleep"),)}
    points = {"temperature": 21.0, "ph": 7.2, "orp": 700.0}
    assert resumed(*(point(name, value, doubts=doubts.get(name, ())) for name, value in points.items())) == ""
    unread = [point(name, None if name == doubtful else value, raw="x") for name, value in points.items()]
    assert resumed(*unread) == ""


def test_a_resume_has_its_week_whether_the_probe_sleeps_or_not() -> None:
    week = [measure()]
    awake = {one.quantity: one for one in documented()}
    assert resume_to({}, week, FRENCH).last_week == resume_to(awake, week, FRENCH).last_week == week


def test_a_resume_tells_the_estimate_and_the_charge_that_are_known() -> None:
    current = resumed(*read(**CURRENT).values())
    assert {key: current[key] for key in ("Battery", "Desinfectant")} == {
        key: CURRENT[key] for key in ("Battery", "Desinfectant")
    }


def test_a_sleeping_flipr_goes_on_sleeping() -> None:
    told = read(Temperature=0, PH={"Value": 0}, OxydoReductionPotentiel={"Value": 0})
    assert resumed(*told.values()) == ""
    assert shown(*told.values())["Temperature"] == 0


# --- the past


def test_measures_are_those_of_an_instant_newest_first() -> None:
    earlier = MEASURED_AT - timedelta(hours=1)
    told = [json.loads(encode(one)) for one in measures_to([*documented(earlier), *documented()], FRENCH)]
    assert [one["DateTime"] for one in told] == ["2018-01-09T09:30:05.558277Z", "2018-01-09T08:30:05.558277Z"]
    assert told[0]["PH"]["Value"] == told[1]["PH"]["Value"] == 3.14


def test_another_vendors_measures_are_those_of_a_minute() -> None:
    at = datetime(2026, 7, 14, 12, 30, 10, 250000, tzinfo=UTC)
    told = measures_to([foreign("ph", 7.2, at), foreign("temperature", 21.0, at + timedelta(seconds=40.5))], FRENCH)
    assert [one.date_time for one in told] == ["2026-07-14T12:30:50.75Z"]
    flipr = measures_to([point("ph", 7.2, at), point("temperature", 21.0, at + timedelta(seconds=40))], FRENCH)
    assert len(flipr) == 2


def days(view: View = FRENCH, /, **values: list[float]) -> Any:
    """Statistics of Flipr's own points of one day."""
    start = datetime(2017, 8, 10, tzinfo=UTC)
    points = {name: [point(name, value, start + timedelta(hours=n)) for n, value in enumerate(of_one)] for name, of_one in values.items()}  # fmt: skip
    return json.loads(encode(days_to(points, view)))


def test_the_statistics_of_a_day_are_in_the_documents_shape() -> None:
    (documents,) = exchange("flipr", "stats-per-days").response.json
    (told,) = days(temperature=[19.0, 19.62, 19.6, 20.5], ph=[6.86, 7.1, 7.12, 7.39])
    assert list(told) == list(documents)
    assert told["Date"] == documents["Date"]
    assert {name: list(told[name]) for name in ("Temperature", "PH")} == {name: list(documents[name]) for name in ("Temperature", "PH")}  # fmt: skip
    assert (told["Temperature"]["MaxValue"], told["Temperature"]["MinValue"]) == (20.5, 19)
    for key in ("MaxValue", "MinValue", "MaxDeviation", "MinDeviation", "MedValue"):
        assert told["PH"][key] == documents["PH"][key]
    assert (told["PH"]["MedDeviation"], told["PH"]["AvgValue"]) == (-0.22, 7.12)
    assert told["Temperature"]["AvgValue"] == documents["Temperature"]["AvgValue"]


def test_the_other_quantities_have_values_deviations_or_both_as_a_measure_has() -> None:
    (told,) = days(
        orp=[600.0, 700.0], conductivity=[1000.0], uv_index=[3.0], cloud_cover=[76.0], battery=[50.0, 100.0],
        free_chlorine_estimate=[1.5], **{"flipr.disinfectant_deviation": [-0.5, -1.5]},
    )  # fmt: skip
    assert told["OxydoReductionPotentiel"] == told[LISTS["statistics_misspelt"][0]]
    assert told["OxydoReductionPotentiel"] == {"Label": "Potentiel Redox.", "MaxValue": 700, "MinValue": 600, "AvgValue": 650, "MedValue": 650}  # fmt: skip
    assert told["CloudCoverage"]["AvgValue"] == 0.76
    assert told["Battery"] == {"Label": "Batterie", "MaxDeviation": 1, "MinDeviation": 0.5, "AvgDeviation": 0.75, "MedDeviation": 0.75}  # fmt: skip
    assert told["Desinfectant"] == {
        "Label": "Chlore", "MaxDeviation": -0.5, "MinDeviation": -1.5, "AvgDeviation": -1, "MedDeviation": -1,
        "MaxValue": 1.5, "MinValue": 1.5, "AvgValue": 1.5, "MedValue": 1.5,
    }  # fmt: skip
    assert [told[key]["Label"] for key in ("Conductivity", "UvIndex", "CloudCoverage")] == ["Conductivité", "Indice UV", "Couverture nuageuse"]  # fmt: skip


def test_solids_and_orp_stand_in_for_what_only_a_flipr_tells() -> None:
    (told,) = days(tds=[500.0], orp=[725.0], bromine_estimate=[3.0])
    assert told["Conductivity"]["MaxValue"] == 1000
    assert (told["Desinfectant"]["Label"], told["Desinfectant"]["MaxDeviation"]) == ("Brome", 0.5)
    assert told["Desinfectant"]["AvgValue"] == 3


def test_of_conductivity_dissolved_solids_and_salt_the_first_that_is_known_is_told() -> None:
    (salt,) = days(salt=[400.0])
    (solids,) = days(salt=[400.0], tds=[500.0])
    (measured,) = days(salt=[400.0], tds=[500.0], conductivity=[1413.0])
    assert [one["Conductivity"]["MaxValue"] for one in (salt, solids, measured)] == [800, 1000, 1413]


def test_the_disinfectant_of_a_day_is_told_by_what_is_known_of_it() -> None:
    assert "Desinfectant" not in days(temperature=[20.0])[0]
    estimate = {"MaxValue": 3, "MinValue": 2, "AvgValue": 2.5, "MedValue": 2.5}
    assert days(bromine_estimate=[2.0, 3.0])[0]["Desinfectant"] == {"Label": "Brome"} | estimate
    ideal = dict.fromkeys(("MaxDeviation", "MinDeviation", "AvgDeviation", "MedDeviation"), 0)
    labels = {"chlorine": "Chlore", "bromine": "Brome", "salt": "Sel", "oxygen": "Chlore", "other": "Chlore"}
    for kind, label in labels.items():
        (told,) = days(View("fr", kind), orp=[700.0])  # type: ignore[arg-type]
        assert told["Desinfectant"] == {"Label": label} | ideal


def test_statistics_have_their_labels_in_english_too() -> None:
    at = datetime(2017, 8, 10, tzinfo=UTC)
    names = {
        "temperature": "Temperature", "ph": "PH", "orp": "Redox potential", "conductivity": "Conductivity", "uv_index": "UV index",
        "cloud_cover": "Cloud cover", "battery": "Battery", "bromine_estimate": "Bromine",
    }  # fmt: skip
    (day,) = days_to({name: [point(name, 7.0, at)] for name in names}, View("en", "chlorine"))
    told = json.loads(encode(day))
    assert [one["Label"] for one in told.values() if isinstance(one, dict)] == [
        "Temperature", "PH", "Redox potential", "Redox potential", "Conductivity", "UV index", "Cloud cover", "Battery", "Bromine"
    ]  # fmt: skip
    assert LABELS["en"].keys() == LABELS["fr"].keys()
    assert LABELS["fr"]["temperature"] == exchange("flipr", "stats-per-days").response.json[0]["Temperature"]["Label"]


def test_days_are_newest_first_and_doubtful_values_left_out() -> None:
    at = datetime(2017, 8, 10, 12, tzinfo=UTC)
    doubtful = point("ph", 14.0, at, doubts=(Doubt("range", "out"),))
    told = days_to({"ph": [doubtful, point("ph", 7.0, at), point("ph", 7.1, at + timedelta(days=1))]}, FRENCH)
    assert [one.date for one in told] == ["2017-08-11T00:00:00Z", "2017-08-10T00:00:00Z"]
    assert isinstance(told[1].ph, wire.Statistics)
    assert told[1].ph.max_value == 7


# --- modules


def module(**changed: Any) -> wire.Module:
    return decode(json.dumps(answer("flipr", "two modules").json[0] | changed), type=wire.Module)


KEPT: dict[str, Scalar] = {
    "commercial_type": "Pro",
    "commercial_type_id": 2,
    "status": "Activated",
    "status_since": "2021-01-05T16:16:36.487",
}


def test_a_module_is_a_site_of_its_own_with_its_pool_and_place() -> None:
    pool = decode(answer("flipr", "a pool").text, type=wire.Pool)
    (place,) = decode(answer("flipr", "the places").text, type=list[wire.Place])
    site = site_from(ACCOUNT, module(Serial="ab256c"), pool, place, "salt")
    assert site == Site(
        id="flipr:AB256C", vendor="flipr", key="AB256C", name="Piscine", kind="pool", volume_m3=45.0, disinfection=Disinfection("salt"),
        attributes=KEPT | {"built_year": 2012, "place": 4711},
    )  # fmt: skip
    probe = probe_from(site, module())
    assert (probe.id, probe.site, probe.serial, probe.firmware) == ("flipr:AB256C/probe", site.id, "AB256C", "4")


def test_a_module_without_anything_else_is_called_by_its_serial() -> None:
    bare = site_from(ACCOUNT, wire.Module(serial="X", is_for_spa=True), None, None, None)
    assert (bare.name, bare.kind, bare.attributes, bare.disinfection.primary) == ("Flipr X", "spa", {}, "other")
    assert probe_from(bare, wire.Module(serial="X")).firmware == ""


@pytest.mark.parametrize("largest", [2**53 - 1, -(2**53) + 1])
def test_a_number_is_known_as_far_as_json_keeps_every_digit(largest: int) -> None:
    beyond = largest + (1 if largest > 0 else -1)
    theirs = module(CommercialType={"Id": beyond, "Value": "Pro"})
    nameless = {name: value for name, value in KEPT.items() if name != "commercial_type_id"}
    assert site_from(ACCOUNT, theirs, None, None, None).attributes == nameless
    huge = site_from(ACCOUNT, module(), wire.Pool(volume=beyond, built_year=beyond), wire.Place(id=beyond), None)
    assert (huge.volume_m3, huge.attributes) == (None, KEPT)
    large = site_from(ACCOUNT, module(), wire.Pool(volume=largest, built_year=largest), wire.Place(id=largest), None)
    assert large.volume_m3 == largest
    assert large.attributes == KEPT | {"built_year": largest, "place": largest}


def test_a_module_comes_back_with_what_clients_read() -> None:
    told = json.loads(encode(module_to("21BXYZ", SITE, PROBE, MEASURED_AT)))
    theirs = answer("flipr", "two modules").json[0]
    assert set(told) <= set(theirs)
    assert {key: type(value) for key, value in told.items()} == {key: type(theirs[key]) for key in told}
    for key in ("IsSuspended", "ModuleType_Id", "Version", "IsForSpa", "SigfoxStatus", "IsSubscriptionValid"):
        assert told[key] == theirs[key]
    assert told["CommercialType"] == theirs["CommercialType"]
    assert (told["Serial"], told["LastMeasureDateTime"]) == ("21BXYZ", "2018-01-09T09:30:05.558277")
    other = module_to(
        "00LFLS", replace(SITE, vendor="ondilo", kind="spa"), replace(PROBE, vendor="ondilo", firmware="16"), None
    )
    assert (other.version, other.last_measure_date_time, other.is_for_spa) == (1, None, True)
    assert other.commercial_type == wire.CommercialType(id=1, value="Start")


def test_a_module_was_activated_when_the_cloud_says_and_not_when_it_last_measured() -> None:
    theirs = module(CommercialType={"Id": 7, "Value": "Max"})
    site = site_from(ACCOUNT, theirs, None, None, None)
    told = module_to("AB256C", site, PROBE, MEASURED_AT)
    assert (told.status, told.commercial_type) == (theirs.status, theirs.commercial_type)
    assert module_to("21BXYZ", SITE, PROBE, MEASURED_AT).status == wire.Status(status="Activated")


def test_a_module_that_is_not_activated_comes_back_as_what_it_is() -> None:
    theirs = module(Status={"Comment": None, "DateTime": "2021-01-05T16:16:36.487", "Status": "Suspended"})
    assert module_to("AB256C", site_from(ACCOUNT, theirs, None, None, None), PROBE, None).status == theirs.status


@pytest.mark.parametrize(
    ("kept", "commercial"),
    [
        ({"commercial_type": "Pro"}, (2, "Pro")),
        ({"commercial_type": "Start"}, (1, "Start")),
        ({"commercial_type": "Max"}, (None, "Max")),
        ({"commercial_type": "Max", "commercial_type_id": 7}, (7, "Max")),
        ({"commercial_type": "Pro", "commercial_type_id": "two"}, (2, "Pro")),
        ({"commercial_type": 2, "status": 1, "status_since": 2021}, (1, "Start")),
    ],
)
def test_a_module_has_the_number_of_its_kind_and_only_texts_for_its_words(
    kept: dict[str, Scalar], commercial: tuple[int | None, str]
) -> None:
    told = module_to("21BXYZ", replace(SITE, attributes=kept), PROBE, None)
    assert told.commercial_type == wire.CommercialType(*commercial)
    assert told.status == wire.Status(status="Activated")


@pytest.mark.parametrize(("firmware", "version"), [("999999999", 999999999), ("1234567890", 1), ("1.6", 1), ("٤", 1)])
def test_a_version_is_a_number_of_some_digits(firmware: str, version: int) -> None:
    assert module_to("AB256C", SITE, replace(PROBE, firmware=firmware), None).version == version


def test_modules_are_of_the_types_that_clients_know() -> None:
    assert LISTS["module_types"] == {"probe": PROBE_TYPE, "hub": HUB}


def test_the_air_has_two_decimals() -> None:
    assert short_term_to(24.567).air_temperature == 24.57


def test_a_pool_comes_back() -> None:
    assert encode(pool_to(SITE)).decode() == "".join(answer("flipr", "a pool").text.split())
    assert pool_to(replace(SITE, volume_m3=None, attributes={"built_year": "about 2012"})) == wire.Pool(
        private_name="Piscine", version=1
    )
    assert pool_to(replace(SITE, volume_m3=1.5, attributes={})) == wire.Pool(
        private_name="Piscine", volume=1.5, version=1
    )


def test_an_alert_waits_under_the_keys_of_every_client() -> None:
    (theirs,) = answer("flipr", "the alerts").json
    since = datetime(2021, 2, 1, 7, 40, 20, tzinfo=UTC)
    advice = Recommendation("flipr:21BXYZ/r", SITE.id, "r", theirs["Title"], theirs["Subtitle"], since, since)
    told = json.loads(encode(alert_to(77, advice)))
    assert told == theirs | {"Message": theirs["Subtitle"], "DateTime": "2021-02-01T07:40:20Z"}


def test_a_probe_is_no_hub_in_the_words_of_the_cloud() -> None:
    assert json.loads(encode(not_a_hub("AB256C"))) == answer("flipr", "the state of what is no hub").json | {
        "ErrorMessage": "The module AB256C is not a HUB"
    }


# --- serials


@pytest.mark.parametrize("serial", LISTS["serials"])
def test_a_fliprs_serial_is_its_number(serial: str) -> None:
    number = preferred_number("flipr", serial)
    assert number is not None
    assert serial_of(number) == serial


def test_numbers_that_are_given_look_like_serials() -> None:
    assert (serial_of(1), preferred_number("flipr", "000001")) == ("000001", 1)
    assert serial_of(1_000_000) == "00LFLS"
    assert serial_of(2**31 - 1) == "ZIK0ZJ"


@pytest.mark.parametrize("serial", ["", "ABC", "21BXYZ7", "21bxyz", "21BXYx", "21BXY-", "ZZZZZZ", "000000"])
def test_a_serial_of_another_form_has_no_number(serial: str) -> None:
    assert preferred_number("flipr", serial) is None


def test_only_the_vendors_own_probes_show_their_own_serial() -> None:
    assert preferred_number("ondilo", PROBE.serial) is None
    assert shows_itself(SITE, PROBE)
    assert not shows_itself(replace(SITE, id="flipr@demo:21BXYZ"), PROBE)
    assert not shows_itself(SITE, replace(PROBE, vendor="ondilo"))
    assert not shows_itself(SITE, replace(PROBE, serial=""))


def test_people_see_the_ph_against_the_limits_that_thresholds_tells_and_no_deviations() -> None:
    assert FLIPR.display is not None
    site = replace(SITE, bands={})
    shown, told = FLIPR.display({}, CATALOGUE)(site), thresholds_to(site)
    assert shown.bands == {"ph": Band(6.8, 7.6)}
    assert (told.ph_min, told.ph_max) == (wire.Limit(6.8, True), wire.Limit(7.6, True))
    assert shown.aside == {"flipr.disinfectant_deviation", "flipr.ph_deviation"}
