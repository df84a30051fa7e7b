from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from margelle.domain.site import Account, Person, Probe, Site
from margelle.ports import Discovery
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.cli.conftest import Margelle, audit
from tests.conftest import NOW


@pytest.fixture
def hub(margelle: Margelle) -> Margelle:
    """A hub with a user."""
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    return margelle


def test_a_site_is_added_listed_and_removed_and_its_measurements_stay(hub: Margelle) -> None:
    added = hub("site", "add", "Piscine d'été", "--volume", "48", "--time-zone", "Europe/Paris")
    assert (added.code, added.out) == (0, "own:piscine-d-ete is there; its probe is own:piscine-d-ete/probe.\n")
    hub("site", "add", "Spa", "--kind", "spa")
    assert hub("measure", "own:spa", "ph=7.4").code == 0
    assert [row["id"] for row in json.loads(hub("site", "list", "--json").out)] == ["own:piscine-d-ete", "own:spa"]
    assert hub("site", "remove", "own:spa").code == 0
    assert "own:spa" not in hub("site", "list").out
    assert ",ph,7.4," in hub("export").out
    hub("site", "add", "Spa again", "--id", "spa")
    assert "Spa again" in hub("site", "list").out


def test_what_is_done_to_a_site_is_in_its_audit_log(hub: Margelle, tmp_path: Path) -> None:
    hub("site", "add", "Spa")
    hub("site", "remove", "own:spa")
    assert [(one.act, one.subject, one.site) for one in audit(tmp_path) if one.act.endswith("site")] == [
        ("remove site", "own:spa", "own:spa"),
        ("add site", "own:spa", "own:spa"),
    ]


def test_two_users_have_each_their_own(hub: Margelle) -> None:
    hub("user", "add", "ben@example.org", "--password-stdin", stdin="un secret")
    assert "Say --owner" in hub("site", "add", "Bath").err
    for owner in ("anna@example.org", "ben@example.org"):
        assert hub("site", "add", "Bath", "--owner", owner, "--id", f"bath-{owner[0]}").code == 0
    assert [row["owner"] for row in json.loads(hub("site", "list", "--json").out)] == [
        "anna@example.org",
        "ben@example.org",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "Pool"), "own:pool is there already"),
        (("add", "+++"), "cannot be an id"),
        (("add", "Bath", "--kind", "sea"), "no kind of site 'sea'"),
        (("add", "Bath", "--time-zone", "Paris"), "no time zone 'Paris'"),
        (("remove", "own:bath"), "no site of your own 'own:bath'"),
    ],
)
def test_what_is_wrong_is_said(hub: Margelle, arguments: tuple[str, ...], said: str) -> None:
    hub("site", "add", "Pool")
    ended = hub("site", *arguments)
    assert ended.code in {1, 2}
    assert said in ended.err


def test_an_account_of_ones_own_is_shown_and_never_asked(hub: Margelle) -> None:
    hub("site", "add", "Pool")
    hub("measure", "Pool", "ph=7.4")
    assert "none: this hub" in hub("account", "list").out
    assert hub("account", "check").out == "own: works. There is no cloud behind it.\n"
    collected = hub("collect", "--once")
    assert (collected.code, collected.err.count("Error")) == (0, 0)
    status = hub("status")
    assert status.code == 0
    assert "requests" not in status.out
    assert "ph" in status.out


def test_a_measurement_by_hand_is_kept_in_the_quantitys_unit_with_a_note(hub: Margelle, tmp_path: Path) -> None:
    hub("site", "add", "Pool", "--time-zone", "Europe/Paris")
    arguments = ("own:pool", "ph=7,4", "temperature=77 °F", "--at", "2026-07-14T12:30", "--by", "strip")
    ended = hub("measure", *arguments, "--note", "after the storm")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "own:pool/probe: ph 7.4: kept.\nown:pool/probe: temperature 77 °F: kept.\n"
    rows = hub("export").out
    assert "2026-07-14T10:30:00Z,own:pool/probe,own:pool,ph,7.4,[pH],true,,7.4,[pH],own/strip," in rows
    assert "temperature,25,Cel,true,,77,[degF],own/strip," in rows
    assert "known already" in hub("measure", *arguments).out
    assert "ph 7.6: corrected" in hub("measure", "own:pool", "ph=7.6", "--at", "2026-07-14T12:30").out

    told = [(entry.outcome, entry.site) for entry in audit(tmp_path) if entry.act == "measure"]
    assert told[-1] == ("ph=7.4, temperature=77°F at 2026-07-14T10:30:00Z: 2 new; after the storm", "own:pool")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("own:pool", "ph"), "'ph' is no value"),
        (("own:pool", "ph=7", "pH=8"), "stands there twice"),
        (("own:pool", "ph=7", "orpp=8"), "did you mean 'orp'?"),
        (("own:pool", "ph=7", "--by", "eye"), "no 'eye' to measure by"),
        (("own:pool", "ph=7", "--at", "2026-03-29T02:30"), "was skipped"),
        (("own:pool", "ph=7", "--at", "2126-03-29T12:30"), "2126-03-29T12:30 is not between 2000 and now"),
        (("own:pool", "ph=7", "--at", "1999-03-29T12:30"), "is not between 2000 and now"),
        (("ondilo:234/ico", "ph=7"), "Known: own:pool."),
    ],
)
def test_a_wrong_measurement_keeps_nothing(hub: Margelle, arguments: tuple[str, ...], said: str) -> None:
    hub("site", "add", "Pool", "--time-zone", "Europe/Paris")
    ended = hub("measure", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "own:pool/probe" not in hub("export").out


def test_a_measurement_that_is_not_tolerable_is_kept_and_said_to_be_so(hub: Margelle) -> None:
    hub("site", "add", "Spa", "--kind", "spa")
    ended = hub("measure", "own:spa", "pH=9.8", "temperature=110°F", "free_chlorine=1.5", "--at", "2026-07-14T12:30")
    assert ended.code == 0
    assert "pH 9.8: kept." in ended.out
    assert ended.err.splitlines() == [
        "  not tolerable at this site: 7 to 7.8",
        "  not tolerable at this site: at most 104 °F",
    ]
    earlier = hub("measure", "own:spa", "ph=9.9", "--at", "2026-07-13T12:30")
    assert "not tolerable at this site: 7 to 7.8" in earlier.err, "what is noted late was no better"


def test_a_slip_that_is_doubted_is_said_to_be_intolerable_and_what_is_right_again_is_believed(hub: Margelle) -> None:
    hub("site", "add", "Pool")
    said = {
        at: hub("measure", "Pool", f"ph={value}", "--at", f"2026-07-14T{at}Z").err
        for at, value in (("12:00", "7.4"), ("12:05", "9.1"), ("12:10", "7.4"))
    }
    assert said["12:00"] == said["12:10"] == ""
    assert said["12:05"].splitlines() == [
        "  doubted: it changed faster than water can, and no reading has confirmed it yet",
        "  not tolerable at this site: 7 to 7.8",
    ]


def test_thousands_may_be_parted_by_a_space(hub: Margelle) -> None:
    hub("site", "add", "Pool")
    for number in ("3 200", "3\u202f200 mg/L", "3\u00a0200,5"):
        hub("measure", "Pool", f"salt={number}", "--at", "2026-07-14T12:30")
    assert ",salt,3200.5,mg/L," in hub("export").out


def test_a_doubtful_measurement_is_kept_and_said_to_be_so(hub: Margelle) -> None:
    hub("site", "add", "Pool")
    assert "doubted: not between 2 and 12 [pH]" in hub("measure", "own:pool", "ph=74").err


def test_a_token_is_shown_once_and_can_be_taken_back(hub: Margelle) -> None:
    token = hub("user", "token", "anna@example.org", "--days", "30").out.strip()
    assert len(token) == 40
    assert hub("user", "token", "anna@example.org", "--revoke", stdin=token).out == "The token is taken back.\n"
    again = hub("user", "token", "anna@example.org", "--revoke", stdin=token)
    assert (again.code, again.err.split("\n")[0]) == (1, "Error: That is no token of anna@example.org.")


def test_a_note_that_is_no_text_keeps_nothing(hub: Margelle) -> None:
    hub("site", "add", "Spa")
    assert hub("measure", "own:spa", "ph=7.4", "--note", "\udcff").code == 2
    assert ",ph,7.4," not in hub("export").out


def test_a_volume_is_finite(hub: Margelle) -> None:
    assert hub("site", "add", "Sea", "--volume", "inf").code == 2


def test_what_is_measured_by_hand_at_a_clouds_site_stands_beside_what_the_cloud_tells(
    hub: Margelle, tmp_path: Path
) -> None:
    async def collected() -> None:
        key = Vault.open(tmp_path / ".config/margelle/key")
        store = open_store(str(tmp_path / ".local/share/margelle/margelle.sqlite"), key)
        owner = (await store.users())[0].email
        await store.put_account(Account("ondilo", "ondilo", owner, "login"))
        pool = Site("ondilo:234", "ondilo", "234", "Pool", time_zone="Europe/Paris")
        await store.put_discovery(
            "ondilo", Discovery(Person(), (pool,), (Probe("ondilo:234/ico", pool.id, "ondilo", "234"),)), NOW
        )
        await store.close()

    asyncio.run(collected())
    assert hub("measure", "Pool", "ph=bad").code == 2
    ended = hub("measure", "Pool", "ph=7.4", "--at", "2026-07-14T12:30")
    assert (ended.code, ended.out) == (0, "ondilo:234/hand: ph 7.4: kept.\n")
    assert (
        hub("measure", "ondilo:234/ico", "ph=7.5", "--at", "2026-07-14T12:30").out
        == "ondilo:234/hand: ph 7.5: corrected.\n"
    )
    assert hub("export").out.count("ondilo:234/ico,") == 0
