"""`margelle review` judges anew what is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from margelle.domain.measurement import Doubt
from margelle.domain.site import Account, Person, Probe, Site, User
from margelle.ports import Discovery
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.cli.conftest import Margelle, Start
from tests.conftest import NOW
from tests.domain.water import PROBE, series

STALE = Doubt("stuck", "an older rule said so")


async def _fill(folder: Path) -> None:
    folder.mkdir()
    store = open_store(f"sqlite:///{folder / 'margelle.sqlite'}", Vault.open(folder / "key"))
    await store.put_user(User("a@x.example", "-"))
    await store.put_account(Account("a", "ondilo", "a@x.example", "a"))
    site = Site("ondilo:234", "ondilo", "234", "Pool", "pool")
    discovery = Discovery(Person(), (site,), (Probe(PROBE, site.id, "ondilo", "234"),))
    await store.put_discovery("a", discovery, NOW)
    values = [7.3, 7.31] * 20
    values[11] = 10.4
    points = series("ph", values)
    await store.add([replace(one, doubts=(STALE,)) if n == 5 else one for n, one in enumerate(points)], NOW)
    await store.close()


def test_a_hub_judges_what_an_older_one_has_kept_in_the_background(start: Start, tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path / "data"))
    here = ("--set", f"data_dir={tmp_path / 'data'}")
    hub = start("collect", *here)
    hub.until(r"Judged anew: 40 measurements, 2 of them otherwise")
    assert hub.end() == 0, hub.text


def test_what_is_kept_is_judged_once_and_again_when_asked(margelle: Margelle, tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path / "data"))
    here = ("--set", f"data_dir={tmp_path / 'data'}")
    assert margelle("review", *here).out == "40 measurements judged, 2 otherwise than before.\n"
    told = margelle("export", "--format", "csv", *here).out.splitlines()
    assert [line.split(",")[4] for line in told if ",false," in line] == ["10.4"]
    assert "already" not in margelle("review", *here).err
    assert margelle("review", *here).out.startswith("All that is kept has been judged by these rules.")
    assert margelle("review", "--again", *here).out == "40 measurements judged, 0 otherwise than before.\n"


def test_what_a_command_keeps_before_any_hub_has_run_is_not_judged_anew(margelle: Margelle, tmp_path: Path) -> None:
    here = ("--set", f"data_dir={tmp_path / 'data'}")
    margelle("user", "add", "anna@example.org", "--password-stdin", *here, stdin="a long password")
    assert margelle("site", "add", "Pool", *here).code == 0
    assert margelle("measure", "own:pool", "ph=7.4", *here).code == 0
    assert margelle("review", *here).out.startswith("All that is kept has been judged by these rules.")
