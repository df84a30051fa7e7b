"""`margelle store` makes the database small, and checks it."""

from __future__ import annotations

import json
from pathlib import Path

import apsw

from tests.citus import Cluster
from tests.cli.conftest import Margelle, Start
from tests.store.old import fill_old


def here(tmp_path: Path) -> tuple[str, str]:
    return "--set", f"data_dir={tmp_path / 'data'}"


def database(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "margelle.sqlite"
    path.parent.mkdir(exist_ok=True)
    return path


def test_an_empty_store_is_folded_and_checked(margelle: Margelle, tmp_path: Path) -> None:
    assert margelle("store", "fold", *here(tmp_path)).out == "0 measurements folded.\n"
    assert margelle("store", "check", *here(tmp_path)).out == f"0 measurements read, digest {'0' * 32}.\n"


def test_a_database_from_before_is_folded_and_has_the_same_digest(margelle: Margelle, tmp_path: Path) -> None:
    points, digest = fill_old(database(tmp_path), 5000)
    for command in (("fold",), ("fold", "--compact")):
        told = margelle("store", "check", "--json", *here(tmp_path))
        assert json.loads(told.out) == {"measurements": points, "digest": digest, "faults": []}
        assert (told.code, told.err) == (0, "")
        folded = points if command == ("fold",) else 0
        assert margelle("store", *command, *here(tmp_path)).out == f"{folded} measurements folded.\n"
    assert margelle("store", "check", *here(tmp_path)).out == f"5000 measurements read, digest {digest}.\n"


def test_what_does_not_fit_is_told_and_the_exit_code_says_so(margelle: Margelle, tmp_path: Path) -> None:
    fill_old(database(tmp_path), 100)
    connection = apsw.Connection(str(database(tmp_path)))
    connection.execute("DELETE FROM point WHERE series = 1")
    connection.close()
    told = margelle("store", "check", *here(tmp_path))
    assert told.code == 1
    assert told.err == "Does not fit: The tally says 100 points.\n"
    assert json.loads(margelle("store", "check", "--json", *here(tmp_path)).out)["faults"] == [
        "The tally says 100 points."
    ]


def test_a_hub_folds_in_the_background_what_is_from_before(start: Start, tmp_path: Path) -> None:
    points, digest = fill_old(database(tmp_path), 5000)
    hub = start("serve", "--no-collect", "--port", "0", *here(tmp_path))
    hub.until("Data:")
    connection = apsw.Connection(str(database(tmp_path)))
    while connection.execute("SELECT count(*) FROM point").get:
        pass  # the suite's time limit ends a hub that never folds
    connection.close()
    assert hub.end() == 0, hub.text
    checked = start("store", "check", *here(tmp_path))
    checked.until(f"{points} measurements read, digest {digest}")
    assert checked.ended() == 0


def test_the_command_tells_where_each_table_is(margelle: Margelle, cluster: Cluster) -> None:
    here = ("--set", f"store={cluster.create('told')}")
    told = json.loads(margelle("store", "distribute", "--json", *here).out)["tables"]
    assert told["chunk"] == "probe"
    assert told["site"] is None
    again = margelle("store", "distribute", *here)
    assert again.code == 1
    assert "already" in again.err
