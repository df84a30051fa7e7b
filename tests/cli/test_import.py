from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import pytest

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Account, Probe, Site
from margelle.domain.switch import Switch, state_at
from margelle.domain.unit import Unit
from margelle.intake.beside import keep
from margelle.ports import Discovery
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.cli.conftest import Ended, Margelle, audit
from tests.conftest import NOW
from tests.evidence import exchange
from tests.house import GARDEN, furnish

ODD = ["7.40", '7,4 "pH"', "a\nb", "a\rb", "", " x ", "é,ü", "1e-3", "\t"]


@pytest.fixture
def hub(margelle: Margelle) -> Margelle:
    """A hub with a user and a site."""
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    margelle("site", "add", "Garden pool", "--id", "garden", "--time-zone", "Europe/Paris")
    return margelle


def anything(n: int) -> list[Measurement]:
    """Measurements of every oddness that the store keeps."""
    chance = random.Random(7)
    made = []
    for k in range(n):
        value = chance.choice([None, 7.2, -0.1, 1 / 3, 1e300, 5e-324, 25.0])
        doubts = (Doubt("unreadable", "no; number"), Doubt("vendor", '«x», "y"\nz'))[: chance.choice([0, 1, 2])]
        if value is None and not doubts:
            doubts = (Doubt("future", "ahead of another clock"),)
        quantity, unit = chance.choice(
            [
                ("ph", Unit.PH),
                ("temperature", Unit.FAHRENHEIT),
                ("baxo.NIVEAU, 1", Unit.RATIO),
                ("ondilo.new", Unit.RATIO),
            ]
        )
        at = NOW + timedelta(microseconds=k * chance.choice([1, 1_000_000]) - 10**9)
        probe = chance.choice([GARDEN, "ondilo@other.example:443:234/ico"])
        made.append(Measurement(probe, quantity, at, value, chance.choice(ODD), unit, f"ondilo/{k % 3}", doubts))
    return made


def fill(folder: Path, key: Path) -> None:
    """A hub with its own site, another cloud's, and odd measurements of both."""

    async def run() -> None:
        folder.mkdir()
        store = open_store(str(folder / "margelle.sqlite"), Vault.open(key))
        await furnish(store, NOW)
        far = Site("ondilo@other.example:443:234", "ondilo", "234", "Far pool")
        probe = Probe(f"{far.id}/ico", far.id, "ondilo", "234")
        account = Account("far", "ondilo", "anna@example.org", "", "http://other.example:443", "other.example:443")
        await store.put_account(account)
        await store.put_discovery("far", Discovery(account.person, (far,), (probe,)), NOW)
        await keep(store, anything(2000), NOW)
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_export_comes_back_exactly(margelle: Margelle, tmp_path: Path, form: str) -> None:
    def at(name: str, *arguments: str, stdin: str = "") -> Ended:
        place = ("--set", f"data_dir={tmp_path / name}", "--set", f"key_file={tmp_path / name}.key")
        return margelle(*arguments, *place, stdin=stdin)

    fill(tmp_path / "old", tmp_path / "old.key")
    first, second = tmp_path / f"first.{form}", tmp_path / f"second.{form}"
    assert at("old", "export", "--output", str(first)).code == 0
    at("new", "user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    refused = at("new", "import", str(first))
    assert (refused.code, "This hub has no probe" in refused.err) == (2, True)
    brought = at("new", "import", str(first), "--new-probes")
    assert "Added ondilo@other.example:443:234" in brought.err.replace("\n", " ")
    assert "each is of kind other and in UTC, until you describe it" in brought.err
    assert (brought.code, brought.out) == (0, f"{first.name}: 2000 new, 0 same, 0 corrected, 0 refused.\n")
    assert at("new", "import", str(first)).out == f"{first.name}: 0 new, 2000 same, 0 corrected, 0 refused.\n"
    assert at("new", "export", "--output", str(second)).code == 0
    assert lines(first) == lines(second)
    assert len(lines(first)) >= 2000


def test_how_a_switch_stood_comes_back_too(margelle: Margelle, tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "here").mkdir()
        store = open_store(str(tmp_path / "here/margelle.sqlite"), Vault.open(tmp_path / "key"))
        pump = Switch("flipr:7/hub", "flipr", "7")
        pool = Site("flipr:7", "flipr", "7", "Pool", switches=(pump,))
        account = Account("home", "flipr", "anna@example.org", "")
        await store.put_account(account)
        await store.put_discovery("home", Discovery(account.person, (pool,), ()), NOW)
        await store.add([state_at(pump, NOW, on=True, origin="flipr/state")], NOW)
        await store.close()

    asyncio.run(run())
    place = ("--set", f"data_dir={tmp_path / 'here'}", "--set", f"key_file={tmp_path / 'key'}")
    assert margelle("export", "--output", "all.csv", *place).code == 0
    assert margelle("import", "all.csv", *place).out == "all.csv: 0 new, 1 same, 0 corrected, 0 refused.\n"


def lines(file: Path) -> list[bytes]:
    """The lines of an export, but for the one that says when it was written."""
    return [line for line in file.read_bytes().splitlines(keepends=True) if not line.startswith(b"# written")]


def test_an_export_without_kinds_of_doubts_is_read_too(hub: Margelle, tmp_path: Path) -> None:
    head = "# Margelle export\nat,probe,site,quantity,value,unit,valid,reason,raw,raw_unit,origin\n"
    row = "2026-07-14T12:30:00Z,own:garden/probe,own:garden,ph,7.4,[pH],false,calibrating; asleep,7.4,[pH],own/http\n"
    (tmp_path / "old.csv").write_text(head + row)
    assert hub("import", "old.csv").code == 0
    assert ',"[{""kind"":""vendor"",""reason"":""calibrating; asleep""}]"' in hub("export").out


TABLE = """Datum;Uhrzeit;pH-Wert;Wasser;Bemerkung
14.07.2026;12:30;7,41;77,0;schön
14.07.2026;13:30;;78,0;
15.07.2026;12:30;7,5;x;
"""
MAPPED = (
    *("--probe", "own:garden", "--delimiter", ";", "--decimal", ",", "--encoding", "cp1252"),
    *("--time-format", "%d.%m.%Y %H:%M", "--map", "Datum=at", "--map", "Uhrzeit=at"),
    *("--map", "pH-Wert=ph", "--map", "Wasser=temperature [degF]"),
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "pool.csv"
    file.write_bytes(TABLE.encode("cp1252"))
    return file


def test_a_table_with_one_refused_cell_keeps_nothing(hub: Margelle, table: Path) -> None:
    ended = hub("import", str(table), *MAPPED)
    assert ended.code == 2
    assert ended.err.startswith("line 4: refused: Wasser: 'x' is no number.\nError: 1 line cannot be kept")
    assert "own:garden/probe" not in hub("export").out


def test_a_table_is_read_by_its_mapping_on_the_clock_of_the_site(hub: Margelle, table: Path) -> None:
    ended = hub("import", str(table), *MAPPED, "--skip-refused")
    assert (ended.code, ended.out) == (3, "pool.csv: 4 new, 0 same, 0 corrected, 1 refused.\n")
    rows = hub("export").out
    assert "2026-07-14T10:30:00Z,own:garden/probe,own:garden,ph,7.41,[pH],true,,7.41,[pH],own/file," in rows
    assert "2026-07-14T10:30:00Z,own:garden/probe,own:garden,temperature,25,Cel,true,,77.0,[degF],own/file," in rows


def test_a_dry_run_says_what_would_become_of_each_line(hub: Margelle, table: Path) -> None:
    hub("import", str(table), *MAPPED, "--skip-refused")
    table.write_bytes(TABLE.replace("7,41", "7,42").replace(";x;", ";;").encode("cp1252"))
    ended = hub("import", str(table), *MAPPED, "--dry-run")
    assert (ended.code, ended.err) == (0, "line 2: corrected\n")
    assert ended.out == "pool.csv: 0 new, 3 same, 1 corrected, 0 refused. Nothing was kept: a dry run.\n"
    assert ",7.41," in hub("export").out


def test_a_file_that_was_cut_keeps_nothing(hub: Margelle, table: Path) -> None:
    table.write_bytes(TABLE.encode("cp1252")[:60])
    ended = hub("import", str(table), *MAPPED)
    assert (ended.code, "Line 2 has" in ended.err) == (2, True)
    assert "own:garden/probe" not in hub("export").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.csv",), "There is no file nothing.csv"),
        (("pool.csv",), "is no export of margelle"),
        (("pool.csv", "--map", "Datum"), "is no column and its meaning"),
        (("pool.csv", "--map", "Datum=at"), "needs a column for at, and one for a quantity"),
        (("pool.csv", "--map", "Datum=at", "--map", "pH=ph"), "Of which probe"),
        ((*("pool.csv", "--probe", "own:garden", "--map", "Datum=at"), "--map", "pH=ph"), "has no column 'Datum'"),
        ((*MAPPED[:2], "pool.csv", "--map", "Datum=at", "--map", "pH=acid"), "pH=acid: no quantity 'acid'"),
        (("pool.csv", *MAPPED, "--encoding", "klingon"), "no encoding 'klingon'"),
        (("pool.csv", *MAPPED, "--encoding", "utf-8"), "Line 2 is not UTF-8 text"),
        (("pool.csv", *MAPPED, "--time-zone", "Paris"), "no time zone 'Paris'"),
        (("pool.csv", "--as", "ondilo"), "Which probe has measured it?"),
        (("pool.csv", "--as", "ondilo", "--probe", "own:garden"), "came instead of what was asked"),
    ],
)
def test_what_is_wrong_with_an_import_is_said(
    hub: Margelle, table: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = hub("import", *arguments)
    assert ended.code in {1, 2}
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("vendor", "body", "kept"),
    [
        (
            "ondilo",
            exchange("ondilo", "measures").response.text,
            "temperature,12.5,Cel,true,,12.5,Cel,ondilo/measures,",
        ),
        ("ondilo", exchange("ondilo", "lastmeasures").response.text, "temperature,12.5,"),
        ("flipr", exchange("flipr", "survey-last").response.text, "flipr/LastHours,"),
        ("flipr", f"[{exchange('flipr', 'survey-last').response.text}]", "flipr/LastHours,"),
        ("baxo", exchange("baxo", "historics").response.text, "baxo.TAG_1,1224,1,"),
    ],
)
def test_a_vendors_printed_answer_is_read_as_its_client_does(
    hub: Margelle, tmp_path: Path, vendor: str, body: str, kept: str
) -> None:
    (tmp_path / "answer.json").write_text(body, encoding="utf-8")
    arguments = ("import", "answer.json", "--as", vendor, "--probe", "own:garden", "--skip-refused")
    first = hub(*arguments)
    assert "0 refused" in first.out, first.err
    assert " 0 new" not in first.out
    assert kept in hub("export").out
    assert " 0 new" in hub(*arguments).out


def test_an_import_is_in_the_audit_log_of_each_site(hub: Margelle, table: Path, tmp_path: Path) -> None:
    hub("import", str(table), *MAPPED, "--skip-refused")
    told = [(one.subject, one.outcome, one.site) for one in audit(tmp_path) if one.act == "import"]
    assert told == [("pool.csv", "4 new", "own:garden"), ("pool.csv", "1 refused", "")]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--encoding", "hex"),
        ("--encoding", "base64"),
        ("--encoding", "utf-16"),
        ("--encoding", "undefined"),
        ("--delimiter", ";;"),
        ("--delimiter", ""),
        ("--decimal", ""),
        ("--time-format", "%Y %Y"),
    ],
)
def test_what_cannot_read_a_table_is_said_in_words(hub: Margelle, tmp_path: Path, wrong: tuple[str, str]) -> None:
    (tmp_path / "t.csv").write_text("Date,pH\n0001-01-01 00:00,7.4\n")
    said = hub("import", str(tmp_path / "t.csv"), "--probe", "own:garden", "--map", "Date=at", "--map", "pH=ph", *wrong)
    assert said.code == 2
    assert "unexpected" not in said.err


def test_an_instant_before_the_calendar_is_refused(hub: Margelle, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Date,pH\n0001-01-01 00:00,7.4\n")
    how = ("--map", "Date=at", "--map", "pH=ph", "--time-format", "%Y-%m-%d %H:%M", "--time-zone", "Asia/Tokyo")
    said = hub("import", str(tmp_path / "t.csv"), "--probe", "own:garden", *how)
    assert said.code == 2
    assert "line 2: refused: '0001-01-01 00:00' is not written as" in said.err
