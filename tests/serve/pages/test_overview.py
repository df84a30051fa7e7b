from __future__ import annotations

import re
from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from margelle.domain.access import Organisation
from margelle.domain.measurement import Doubt, DoubtKind, Measurement
from margelle.domain.quantity import Catalogue, Quantity
from margelle.domain.site import Band, Disinfection, Person, Probe, Recommendation, Site
from margelle.domain.switch import Switch, SwitchMode, mode_at, state_at
from margelle.domain.unit import Unit
from margelle.ports import Discovery, Display, Incident, Receipt
from margelle.serve.app import build
from margelle.serve.pages.glance import natural
from tests.asgi import call
from tests.conftest import NOW
from tests.serve.asked import Asked
from tests.serve.pages.conftest import POOL, Hub, measured
from tests.serve.pages.text import said, tags
from tests.serve.vendors import NoActions, vendor


async def shown(hub: Hub, *measurements: Measurement, language: str = "en", site: Site = POOL) -> str:
    await hub.own("marie@example.org", site)
    await hub.add(measurements)
    return said(await hub.page(language))


async def test_an_empty_hub_says_what_to_do_next(hub: Hub) -> None:
    text = said(await hub.page())
    assert "The water is not measured yet." in text
    assert "margelle user add" in text
    assert "margelle account add ondilo" in text


async def test_an_account_without_sites_yet_is_told_to_wait(hub: Hub) -> None:
    await hub.own("marie@example.org")
    text = said(await hub.page("fr"))
    assert "Les premières mesures arrivent" in text
    assert "margelle account add" not in text


async def test_a_site_shows_its_name_kind_disinfection_volume_and_place(hub: Hub) -> None:
    page = await hub.page()
    assert "grand" not in page
    await hub.own("marie@example.org", POOL)
    page = await hub.page("fr")
    assert "<grand>" not in page, "what vendors say is text, never markup"
    assert "Le <grand> bassin Silencieux Piscine · électrolyse au sel + UV · 52,5 m³ · Aix" in said(page)


async def test_a_name_without_end_is_cut(hub: Hub) -> None:
    text = await shown(hub, site=replace(POOL, name="N" * 1_000_000))
    assert "N" * 100 in text
    assert "N" * 121 not in text


@pytest.mark.parametrize(
    ("on", "mode", "minutes", "english", "french"),
    [
        (True, "auto", 5, "pump running (by itself)", "pompe en marche (automatique)"),
        (False, "manual", 5, "pump at rest (by hand)", "pompe à l’arrêt (à la main)"),
        (True, "planning", 300, "pump running (by timetable), 5 h ago", "pompe en marche (par horaire), il y a 5 h"),
    ],
)
async def test_a_site_tells_how_its_pump_stands(
    hub: Hub, on: bool, mode: SwitchMode, minutes: int, english: str, french: str
) -> None:
    pump = Switch("flipr:HB0001/hub", "flipr", "HB0001")
    site = replace(POOL, switches=(pump,))
    assert "pump" not in await shown(hub, site=site)
    at = NOW - timedelta(minutes=minutes)
    text = await shown(hub, state_at(pump, at, on=on, origin="t"), mode_at(pump, at, mode, "t"), site=site)
    assert f" · Aix · {english}" in text
    assert f" · Aix · {french}" in said(await hub.page("fr"))


async def test_a_site_without_measurements_says_so(hub: Hub) -> None:
    assert "Not measured yet" in await shown(hub)


async def test_values_have_their_language_their_unit_and_their_age(hub: Hub) -> None:
    values = [measured("temperature", 27.06), measured("ph", 7.4), measured("salt", 3120.0)]
    text = await shown(hub, *values)
    assert "Water temperature 27.1 °C" in text
    assert "pH 7.40" in text
    assert "Salt 3,120 mg/L" in text
    assert "Measured 12 min ago, 14:18" in text
    text = said(await hub.page("fr"))
    assert "Température de l’eau 27,1 °C" in text
    assert "pH 7,40" in text
    assert "Sel 3 120 mg/L" in text
    assert "Mesuré il y a 12 min, 14:18" in text


@pytest.mark.parametrize(
    ("hours", "state", "words"),
    [
        (2.9, "fresh", "Measured 2 h ago"),
        (3, "stale", "Getting old: measured 3 h ago"),
        (24, "silent", "Silent: last measured yesterday, Mon 13 July, 14:30"),
    ],
)
async def test_old_readings_are_called_old_in_words(hub: Hub, hours: float, state: str, words: str) -> None:
    text = await shown(hub, measured("temperature", 27.0, ago=timedelta(hours=hours)))
    assert words in text
    (article,) = [attributes for name, attributes in tags(await hub.page()) if name == "article"]
    assert article["class"] == f"site {state}"
    assert ("one site without fresh readings" in text) is (state != "fresh")


async def test_a_value_older_than_its_neighbours_says_so_itself(hub: Hub) -> None:
    text = await shown(hub, measured("temperature", 27.0), measured("ph", 7.4, ago=timedelta(hours=9)))
    assert "pH 7.40 Within its limits, 7.2 to 7.6" not in text
    assert "measured 9 h ago Within its limits, 7.2 to 7.6" in text


@pytest.mark.parametrize(
    ("quantity", "value", "verdict"),
    [
        ("ph", 7.2, "Within its limits, 7.2 to 7.6"),
        ("ph", 7.6, "Within its limits, 7.2 to 7.6"),
        ("ph", 7.61, "Above 7.6"),
        ("ph", 7.19, "Below 7.2"),
        ("orp", 650.0, "Within its limit, at least 650"),
        ("orp", 649.0, "Below 650"),
    ],
)
async def test_a_value_is_held_against_its_sites_limits(hub: Hub, quantity: str, value: float, verdict: str) -> None:
    text = await shown(hub, measured(quantity, value))
    assert verdict in text
    assert ("one value outside its limits" in text) is verdict.startswith(("Above", "Below"))


async def test_a_value_without_limits_is_not_judged(hub: Hub) -> None:
    text = await shown(hub, measured("ph", 9.0), site=replace(POOL, kind="plant", bands={"ph": Band()}))
    assert "limit" not in text
    assert "Act" not in text


async def test_where_the_owner_set_no_limits_those_of_the_table_hold(hub: Hub) -> None:
    text = await shown(hub, measured("ph", 9.0), measured("orp", 800.0), site=replace(POOL, bands={}))
    assert "pH 9.00 7.2 7.6 Too high: above 7.8" in text
    assert "Redox (ORP) 800 mV 650 750 Above 750" in text
    assert "Le <grand> bassin Act Pool" in text


@pytest.mark.parametrize(
    ("doubt", "english", "french"),
    [
        (
            Doubt("vendor", "bathers <b>"),
            "Doubtful: excluded by Bluewater: “bathers <b>”",
            "Douteux : écarté par Bluewater : « bathers <b> »",
        ),
        (Doubt("vendor", ""), "Doubtful: excluded by Bluewater, without a reason", "écarté par Bluewater, sans motif"),
        (
            Doubt("uncalibrated", "x"),
            "not calibrated: computed without this probe's own calibration",
            "non étalonné : calculé sans l’étalonnage de cette sonde",
        ),
        (Doubt("range", "x"), "not plausible: beyond 2 to 12", "peu plausible : hors de 2 à 12"),
        (Doubt("future", "x"), "its time is ahead of the clock", "son heure est en avance"),
        (Doubt("past", "x"), "its time is too long ago to be true", "trop ancienne"),
    ],
)
async def test_a_doubtful_value_is_shown_with_its_reason_and_not_judged(
    hub: Hub, doubt: Doubt, english: str, french: str
) -> None:
    text = await shown(hub, measured("ph", 9.85, doubt))
    assert "pH 9.85" in text
    assert english in text
    assert "Above" not in text
    assert "one doubtful value" in text
    assert french in said(await hub.page("fr"))


async def test_a_value_that_was_no_number_shows_what_came(hub: Hub) -> None:
    text = await shown(hub, measured("ph", None, Doubt("unreadable", "not a number"), raw="<NaN>"))
    assert "pH — Doubtful: “<NaN>” came, which is not a number" in text


async def test_beside_a_doubtful_value_stands_the_last_sound_one(hub: Hub) -> None:
    sound = [measured("ph", 7.4, ago=timedelta(hours=5)), measured("ph", 7.3, ago=timedelta(hours=6))]
    text = await shown(hub, *sound, measured("ph", 9.9, Doubt("vendor", "x")))
    assert "Last sound value: 7.40, 5 h ago" in text


async def test_a_week_is_drawn_and_told(hub: Hub) -> None:
    week = [measured("ph", 7.2 + hour / 1000, ago=timedelta(hours=hour)) for hour in range(24 * 10)]
    text = await shown(hub, *week)
    assert "7 days: 7.20 to 7.37" in text, "and not the three days before"
    labels = [each["aria-label"] for name, each in tags(await hub.page()) if name == "svg" and "aria-label" in each]
    assert labels == ["pH over the last 7\u00a0days. 7\u00a0days: 7.20\u00a0to\u00a07.37."]


async def test_doubtful_points_of_a_week_are_told_beside_it(hub: Hub) -> None:
    week = [measured("ph", 7.4, ago=timedelta(hours=hour)) for hour in range(20)]
    text = await shown(hub, *week)
    assert "doubtful" not in text
    await hub.add([measured("ph", 9.9, Doubt("vendor", "x"), ago=timedelta(hours=hour + 0.5)) for hour in (1, 2)])
    assert "7 days: 7.40 to 7.40 2 doubtful values" in said(await hub.page())


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", get_args(DoubtKind))
async def test_every_kind_of_doubt_has_words_and_hides_no_value(hub: Hub, kind: DoubtKind, language: str) -> None:
    text = await shown(hub, measured("ph", 9.9, Doubt(kind, "so it seems")), language=language)
    assert ("9.90" if language == "en" else "9,90") in text
    assert ("Doubtful:" if language == "en" else "Douteux :") in text


async def test_battery_and_signal_stand_below_the_water(hub: Hub) -> None:
    text = await shown(hub, measured("battery", 84.0), measured("rssi", 71.0), measured("ph", 7.4))
    assert text.index("pH 7.40") < text.index("Battery 84 % Signal 71 %")


async def test_a_quantity_that_nobody_knows_is_shown_by_its_name_in_the_unit_that_came(hub: Hub) -> None:
    free = Measurement("bluewater:1/p", "north_hall.redox", NOW, 712.5, "712.5", Unit.MILLIVOLT, "bluewater/x")
    assert "north hall · redox 712 mV" in await shown(hub, free)


async def test_an_installations_own_quantity_has_its_unit_and_its_digits(hub: Hub) -> None:
    await hub.own("marie@example.org", POOL)
    ozone = Quantity("plant.ozone", Unit.MG_PER_L, 0, 5, "Ozone behind the reactor.", decimals=3)
    value = Measurement("bluewater:1/p", "plant.ozone", NOW, 0.41, "410", Unit.PPM, "bluewater/x")
    doubted = replace(value, value=9.0, doubts=(Doubt("range", "not between"),), at=NOW + timedelta(minutes=1))
    await hub.add([value])
    app = hub.app(catalogue=Catalogue([ozone]))
    assert "plant · ozone 0.410 mg/L" in said((await call(app, "GET", "/")).text)
    await hub.add([doubted])
    assert "not plausible: beyond 0 to 5 mg/L" in said((await call(app, "GET", "/")).text)


async def test_behind_a_proxy_the_faces_are_where_others_reach_them(hub: Hub) -> None:
    await hub.own("marie@example.org", POOL)
    app = hub.app(public_url="https://water.example/")
    assert "Bluewater https://water.example/bluewater" in said((await call(app, "GET", "/")).text)


@pytest.mark.parametrize(
    ("of_site", "of_hub", "time"),
    [
        ("Europe/Paris", "America/Lima", "14:18 CEST"),
        ("UTC", "America/Lima", "07:18 UTC-05"),
        ("UTC", "UTC", "12:18 UTC"),
        ("Nowhere/Land", "America/Lima", "12:18 UTC"),
    ],
)
async def test_times_are_the_sites_or_the_hubs_where_the_vendor_does_not_tell(
    hub: Hub, of_site: str, of_hub: str, time: str
) -> None:
    await hub.own("marie@example.org", replace(POOL, time_zone=of_site))
    await hub.add([measured("ph", 7.4)])
    page = (await call(hub.app(time_zone=of_hub), "GET", "/")).text
    assert f"Measured 12 min ago, {time} " in said(page)


async def test_two_probes_of_one_site_are_told_apart(hub: Hub) -> None:
    await hub.own("marie@example.org", POOL)
    probes = tuple(Probe(f"{POOL.id}/{key}", POOL.id, "bluewater", key) for key in ("north", "south"))
    await hub.store.put_discovery("bluewater-marie@example.org", Discovery(Person(), (POOL,), probes), NOW)
    await hub.add(measured("ph", 7.3, probe=f"{POOL.id}/{key}") for key in ("north", "south"))
    text = said(await hub.page())
    assert "pH · north 7.30" in text
    assert "pH · south 7.30" in text


async def test_a_vendors_only_probe_is_told_from_hand_readings_by_its_vendor_and_not_by_a_serial_number(
    hub: Hub,
) -> None:
    await hub.own("marie@example.org", POOL)
    probes = (Probe(f"{POOL.id}/21B", POOL.id, "bluewater", "21B"), Probe(f"{POOL.id}/hand", POOL.id, "own", "hand"))
    await hub.store.put_discovery("bluewater-marie@example.org", Discovery(Person(), (POOL,), probes), NOW)
    await hub.add([measured("ph", 7.3, probe=each.id) for each in probes])
    await hub.add([measured("orp", 700.0, probe=probes[0].id)])
    text = said(await hub.page())
    assert "pH · Bluewater 7.30" in text
    assert "pH · by hand 7.30" in text
    assert "Redox (ORP) 700 mV" in text
    assert "21B" not in text


async def test_waiting_recommendations_are_shown_in_the_vendors_words(hub: Hub) -> None:
    await hub.own("marie@example.org", POOL)
    advice = Recommendation("r", POOL.id, "1", "Ajoutez du pH moins", "220 g, filtration en marche.", NOW, NOW)
    done = replace(advice, id="d", title="Déjà fait", status="ok")
    await hub.store.put_recommendations(POOL.id, [advice])
    await hub.store.put_recommendation(done)
    text = said(await hub.page())
    assert "To do Ajoutez du pH moins 220 g, filtration en marche. Advised by Bluewater on 14 July" in text
    assert "Déjà fait" not in text
    await hub.store.put_recommendations(POOL.id, [replace(advice, deadline=NOW + timedelta(days=2))])
    assert "Conseillé par Bluewater le 14 juillet · à faire avant le 16 juillet" in said(await hub.page("fr"))
    await hub.store.put_recommendations(POOL.id, [replace(advice, deadline=NOW - timedelta(days=2))])
    assert "Advised by Bluewater on 14 July · overdue since 12 July" in said(await hub.page())


async def test_the_collection_tells_its_last_success_and_what_to_do_about_open_incidents(hub: Hub) -> None:
    await hub.own("marie@example.org", POOL)
    account = "bluewater-marie@example.org"
    for minutes, status in ((5, 500), (40, 200), (90, 200)):
        await hub.store.keep_receipt(
            Receipt(account, NOW - timedelta(minutes=minutes), "latest", "https://x", status, b"", 1)
        )
    text = said(await hub.page())
    assert "Last answer 40 min ago. No problem open." in text
    trouble = Incident(account, account, "sign-in", "The cloud refused the token.", "Sign in again.", NOW, NOW)
    await hub.store.note_incident(trouble)
    await hub.store.note_incident(trouble)
    text = said(await hub.page())
    assert "The cloud refused the token. (2 times) Sign in again." in text
    assert "one collection problem" in text
    assert "No problem open" not in text
    french = said(await hub.page("fr"))
    assert "(2 fois) Au propriétaire du compte : se reconnecter" in french
    assert "un incident de collecte" in french
    await hub.store.end_incident(account, account, None, NOW)
    assert "No problem open." in said(await hub.page())


async def test_an_incident_that_needs_nobody_is_told_but_not_counted(hub: Hub) -> None:
    account = "bluewater-marie@example.org"
    await hub.own("marie@example.org", POOL)
    await hub.store.note_incident(Incident(account, account, "limited", "Limit.", "Nothing to do.", NOW, NOW))
    text = said(await hub.page())
    assert "Limit. Nothing to do." in text
    assert "collection problem" not in text


async def test_the_headline_counts_what_wants_attention_or_says_that_nothing_does(hub: Hub) -> None:
    text = await shown(hub, measured("ph", 7.4))
    assert "One site: nothing to do." in text
    await hub.add([measured("ph", 7.9, ago=timedelta(0)), measured("orp", 500.0, ago=timedelta(0))])
    assert "Un bassin : 2 valeurs hors de leurs limites." in said(await hub.page("fr"))


async def test_the_page_says_where_the_faces_are_and_no_login_to_strangers(hub: Hub) -> None:
    text = await shown(hub, measured("ph", 7.4))
    assert "Bluewater http://hub.example:8080/bluewater" in text
    assert "marie" not in text


@pytest.mark.parametrize(
    ("way", "said_of_it"),
    [
        (Disinfection("chlorine"), "Pool · chlorine · 52.5"),
        (Disinfection("other"), "Pool · 52.5"),
        (Disinfection("bromine", ozone=True, uv=True), "Pool · bromine + UV + ozone · 52.5"),
    ],
)
async def test_disinfection_is_told_as_far_as_it_is_known(hub: Hub, way: Disinfection, said_of_it: str) -> None:
    assert said_of_it in await shown(hub, site=replace(POOL, disinfection=way))


async def test_the_page_has_no_inline_script_no_inline_style_and_nothing_from_elsewhere(hub: Hub) -> None:
    await shown(hub, *(measured("ph", 7.4, ago=timedelta(hours=hour)) for hour in range(100)))
    elements = tags(await hub.page())
    assert not [name for name, attributes in elements if name in {"style", "iframe"} or "style" in attributes]
    assert all((each["src"] or "").startswith("/static/") for name, each in elements if name == "script")
    addresses = [value for _, each in elements for key, value in each.items() if key in {"src", "href", "action"}]
    assert not [value for value in addresses if value and re.match(r"\w+:|//", value)]
    assert not [key for _, each in elements for key in each if key.startswith("on")]


async def test_every_picture_and_field_has_a_name_for_who_cannot_see_it(hub: Hub) -> None:
    await shown(hub, *(measured("temperature", 27.4, ago=timedelta(hours=hour)) for hour in range(100)))
    elements = tags(await hub.page("fr"))
    assert elements[0] == ("html", {"lang": "fr", "data-theme": "auto"})
    nested = {"line", "value"}
    for name, attributes in elements:
        if name == "img":
            assert "alt" in attributes
        if name == "svg" and "y" not in attributes and attributes.get("class") not in nested:
            assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")
    assert [name for name, _ in elements if re.fullmatch("h[1-6]", name)][:3] == ["h1", "h2", "h3"]


async def displayed(
    hub: Hub, display: Display, *measurements: Measurement, site: Site = POOL, lang: str = "en", path: str = "/?"
) -> str:
    """The page of a hub whose vendor has its sites shown like this."""
    await hub.own("marie@example.org", site)
    await hub.add(measurements)
    face = [replace(vendor(lambda _: []), display=lambda settings, catalogue: lambda site: display)]
    app = build(hub.store, face, {}, hub.clock, NoActions(), public_page=True)
    return (await call(app, "GET", f"{path}&lang={lang}")).text


def free(quantity: str, value: float, ago: timedelta = timedelta(minutes=12)) -> Measurement:
    """A quantity of the vendor's own."""
    return replace(measured("ph", value, ago=ago), quantity=quantity, raw_unit=Unit.RATIO)


async def test_a_quantity_in_whose_place_another_stands_is_shown_only_until_that_is_there(hub: Hub) -> None:
    display = Display(replaced={"bluewater.PH": "ph"})
    assert "7.11" in await displayed(hub, display, free("bluewater.PH", 7.11))
    page = await displayed(hub, display, measured("ph", 7.22, ago=timedelta(minutes=5)))
    assert "7.22" in page
    assert "7.11" not in page


async def test_what_the_vendor_keeps_aside_is_on_no_page(hub: Hub) -> None:
    display = Display(aside=frozenset({"bluewater.ph_deviation"}))
    page = await displayed(hub, display, measured("ph", 7.22), free("bluewater.ph_deviation", 0.05))
    assert "7.22" in page
    assert "deviation" not in page


@pytest.mark.parametrize(("value", "english", "french"), [(0.0, "off", "inactif"), (1.0, "on", "actif")])
async def test_what_is_on_or_off_is_told_in_words_under_its_own_name(
    hub: Hub, value: float, english: str, french: str
) -> None:
    display = Display(states=frozenset({"bluewater.POMPE_1"}))
    points = free("bluewater.POMPE_1", 1 - value, timedelta(hours=30)), free("bluewater.POMPE_1", value)
    assert f"POMPE_1 {english} 7 days" in said(await displayed(hub, display, *points))
    page = await displayed(hub, display, lang="fr")
    assert f"POMPE_1 {french} 7 jours" in said(page)
    assert "bluewater ·" not in page
    (line,) = [tag["d"] for name, tag in tags(page) if name == "path" and "M82" in (tag.get("d") or "")]
    assert line is not None
    assert line.endswith("L100 0" if value else "L100 100")


async def test_the_vendors_limits_hold_where_the_owner_has_set_none(hub: Hub) -> None:
    display = Display(bands={"ph": Band(6.8, 7.6), "orp": Band(None, 1)})
    page = await displayed(
        hub, display, measured("ph", 7.7), measured("orp", 700), site=replace(POOL, bands={"orp": Band(650)})
    )
    assert "Above 7.6" in said(page)
    assert "Within its limit, at least 650" in said(page)


async def fleet(hub: Hub, sites: int = 60) -> None:
    """A vendor's sites, every fifth of them too sour and every seventh silent."""
    own = [replace(POOL, id=f"bluewater:{n}", key=str(n), name=f"Bassin n° {n:02}", bands={}) for n in range(sites)]
    await hub.own("marie@example.org", *own)
    await hub.add(
        measured(
            "ph",
            8.1 if n % 5 == 0 else 7.4,
            ago=timedelta(days=3 if n % 7 == 0 else 0, minutes=12),
            probe=f"bluewater:{n}/p",
        )
        for n in range(sites)
    )


async def listed(hub: Hub, query: str = "") -> str:
    answer = await call(hub.app(), "GET", f"/{query}")
    assert answer.status == 200
    return answer.text


def rows(page: str) -> int:
    return sum(name == "tr" and "class" not in each for name, each in tags(page)) - 1


async def test_many_sites_are_a_list_whose_headline_counts_the_states(hub: Hub) -> None:
    await fleet(hub)
    text = said(await listed(hub))
    assert "60 sites: 10 need you, 9 are silent." in text
    assert text.index("Act Bassin n° 05") < text.index("Silent Bassin n° 00") < text.index("Good Bassin n° 01")
    assert "pH 8.10: far from its limits" in text
    assert "silent, last measured 3 days ago" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 40),
        ("?page=2", 20),
        ("?page=3", 0),
        ("?page=0", 40),
        ("?page=-1", 40),
        ("?page=%C2%B2", 40),
        ("?state=act", 10),
        ("?state=silent", 9),
        ("?state=watch", 0),
        ("?state=nonsense", 40),
        ("?vendor=bluewater&q=BASSIN%20N%C2%B0%2007", 1),
        ("?vendor=nobody", 0),
        ("?group=Aix", 40),
        ("?group=Nowhere", 0),
        ("?q=aix%2055", 1),
        ("?q=%3Cscript%3E", 0),
    ],
)
async def test_sites_are_found_by_text_state_vendor_and_city(hub: Hub, query: str, found: int) -> None:
    await fleet(hub)
    page = await listed(hub, query)
    assert rows(page) == found if found else "No site is like that" in said(page)
    assert "<script>" not in page


async def test_where_there_are_organisations_sites_are_found_by_them(hub: Hub) -> None:
    await fleet(hub, 12)
    await hub.store.put_organisation(Organisation("club", "Club nautique"))
    account = (await hub.store.accounts())[0]
    await hub.store.put_account(replace(account, id="bluewater-club", organisation="club"))
    some = await hub.store.sites()
    await hub.store.put_discovery("bluewater-club", Discovery(Person(), tuple(some[:3]), ()), NOW)
    await hub.store.put_organisation(Organisation("town", "Commune"))
    await hub.store.put_account(replace(account, id="bluewater-town", organisation="town"))
    await hub.store.put_discovery("bluewater-town", Discovery(Person(), tuple(some[3:5]), ()), NOW)
    assert "Club nautique (3)" in said(await listed(hub))
    assert rows(await listed(hub, "?group=Club+nautique")) == 3


async def test_the_page_asks_whether_anything_is_newer_and_is_told_so_only_then(hub: Hub) -> None:
    await hub.own("marie@example.org", POOL)
    await hub.add([measured("ph", 7.4)])
    app = hub.app()
    (asked,) = [
        each["data-asks"] or "" for name, each in tags((await call(app, "GET", "/")).text) if "data-asks" in each
    ]
    assert (await call(app, "GET", asked)).status == 204
    await hub.add([measured("ph", 7.5, ago=timedelta(minutes=1))])
    answer = await call(app, "GET", asked)
    assert "Newer readings are there. Show them" in said(answer.text)
    assert (await call(app, "GET", f"{asked}&site=bluewater:9")).status == 204


async def test_a_site_that_nobody_can_judge_is_not_called_good(hub: Hub) -> None:
    tank = replace(POOL, kind="tank", bands={})
    page = await shown(hub, measured("flow", 12.0), site=tank)
    assert "One site: one not judged." in page
    assert "Not judged Tank" in page
    assert "Good" not in page
    fleet = [replace(POOL, id=f"bluewater:{n}", key=str(n), name=f"Tank {n}", kind="tank", bands={}) for n in range(8)]
    await hub.own("luc@example.org", *fleet)
    await hub.add(measured("flow", 12.0, probe=f"{one.id}/p") for one in fleet)
    found = said((await call(hub.app(), "GET", "/?state=unjudged&lang=fr")).text)
    assert "Non évalué Tank 0" in found
    assert "rien de ce qui est mesuré ici n’a de limites" in found
    assert "ne sont pas évalués" in found
    assert "Aucun bassin ne correspond" in said((await call(hub.app(), "GET", "/?state=good&lang=fr")).text)


async def test_a_demo_says_so_on_every_page_and_only_one_within_a_hub_leads_back(hub: Hub) -> None:
    await hub.own("marie@example.org", POOL)
    for demo, leads in (("hub", False), ("room", True), ("", False)):
        for path in ("/?lang=fr", "/sites/bluewater:1?lang=fr", "/sites/bluewater:1/print?lang=fr", "/nowhere?lang=fr"):
            page = (await call(hub.app(demo=demo), "GET", path, {"accept": "text/html"})).text
            assert ("Ceci est une démo : cette eau n’existe pas." in said(page)) == bool(demo)
            assert ('action="/demo/leave"' in page) == leads


async def test_of_more_accounts_of_organisations_the_store_is_not_asked_more_often(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = hub.store
    await fleet(hub, 20)
    account = (await store.accounts())[0]
    await store.put_organisation(Organisation("club", "Club nautique"))
    often: list[list[str]] = []
    for accounts in (1, 20):
        for n in range(accounts):
            await store.put_account(replace(account, id=f"club-{n}", organisation="club"))
        asked = Asked(store)
        monkeypatch.setattr(hub, "store", asked)
        await listed(hub)
        often.append(asked.names)
        monkeypatch.setattr(hub, "store", store)
    assert often[0] == often[1]


async def test_of_more_sites_the_store_is_not_asked_more_often(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    store = hub.store
    often: list[list[str]] = []
    for sites in (20, 200):
        await fleet(hub, sites)
        asked = Asked(store)
        monkeypatch.setattr(hub, "store", asked)
        assert rows(await listed(hub)) == min(sites, 40)
        often.append(asked.names)
        monkeypatch.setattr(hub, "store", store)
    assert often[0] == often[1]
    assert len(often[0]) < 12


def test_names_with_numbers_are_in_the_order_of_their_numbers() -> None:
    names = ["Pool 10", "pool-2", "Pool 2", "pool 02b", "Bassin", "12", "Pool", "3"]
    assert sorted(names, key=natural) == ["3", "12", "Bassin", "Pool", "Pool 2", "pool 02b", "Pool 10", "pool-2"]
