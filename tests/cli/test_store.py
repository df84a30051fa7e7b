"""`margelle store` makes the database small, and checks it."""

from __future__ import annotations

import json
from pathlib import Path

import apsw
import pytest

from margelle.store.sqlite.opening import Fixed
from tests.citus import Cluster
from tests.cli.conftest import Margelle, Start
from tests.store.old import fill_old

NOTHING = "0" * 32
TALLY = (
    "The tally says 100 points. Where none is missing, `margelle store check --repair` makes that anew from the points."
)


def here(tmp_path: Path) -> tuple[str, str]:
    return "--set", f"data_dir={tmp_path / 'data'}"


def database(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "margelle.sqlite"
    path.parent.mkdir(exist_ok=True)
    return path


def test_an_empty_store_is_folded_and_checked(margelle: Margelle, tmp_path: Path) -> None:
    assert margelle("store", "fold", *here(tmp_path)).out == "0 measurements folded.\n"
    told = margelle("store", "check", *here(tmp_path)).out
    assert told == f"0 measurements read, digest {NOTHING}.\n0 corrections, digest {NOTHING}.\n"


def test_a_database_from_before_is_folded_and_has_the_same_digest(margelle: Margelle, tmp_path: Path) -> None:
    points, digest = fill_old(database(tmp_path), 5000)
    for command in (("fold",), ("fold", "--compact")):
        told = margelle("store", "check", "--json", *here(tmp_path))
        assert json.loads(told.out) == {
            "measurements": points,
            "digest": digest,
            "revisions": 0,
            "revisions_digest": NOTHING,
            "faults": [],
        }
        assert (told.code, told.err) == (0, "")
        folded = points if command == ("fold",) else 0
        assert margelle("store", *command, *here(tmp_path)).out == f"{folded} measurements folded.\n"
    assert margelle("store", "check", *here(tmp_path)).out.startswith(f"5000 measurements read, digest {digest}.\n")


def test_what_does_not_fit_is_told_and_the_exit_code_says_so(margelle: Margelle, tmp_path: Path) -> None:
    fill_old(database(tmp_path), 100)
    connection = apsw.Connection(str(database(tmp_path)))
    connection.execute("DELETE FROM point WHERE series = 1")
    connection.close()
    told = margelle("store", "check", *here(tmp_path))
    assert told.code == 1
    assert told.err == f"Does not fit: {TALLY}\n"
    assert json.loads(margelle("store", "check", "--json", *here(tmp_path)).out)["faults"] == [TALLY]


def test_what_follows_from_the_points_is_made_anew(margelle: Margelle, tmp_path: Path) -> None:
    points, digest = fill_old(database(tmp_path), 12_000)
    margelle("store", "fold", *here(tmp_path))
    connection = apsw.Connection(str(database(tmp_path)))
    connection.execute("UPDATE tally SET points = 1; UPDATE head SET newest = x'80', pieces = 3; DELETE FROM year")
    connection.close()
    told = margelle("store", "check", *here(tmp_path))
    assert told.code == 1
    assert "p0: the newest ph is another one. `margelle store check --repair` makes that anew" in told.err
    assert "p1: the statistics of temperature in UTC are not those of its points. `margelle" in told.err
    told = margelle("store", "check", "--repair", *here(tmp_path))
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"{points} measurements read, digest {digest}.\n")


def test_a_probe_of_which_points_are_damaged_is_not_repaired(margelle: Margelle, tmp_path: Path) -> None:
    fill_old(database(tmp_path), 5000)
    margelle("store", "fold", *here(tmp_path))
    connection = apsw.Connection(str(database(tmp_path)))
    connection.execute("UPDATE chunk SET points = zeroblob(length(points)) WHERE id = (SELECT min(id) FROM chunk)")
    connection.close()
    told = margelle("store", "check", "--repair", *here(tmp_path))
    assert told.code == 1
    assert "Not repaired: p0 stays as it is: " in told.err
    assert "Does not fit: p0: its chunk " in told.err
    assert "Restore your latest backup." in told.err
    assert "p1" not in told.err


def test_the_status_says_how_much_from_before_is_folded(margelle: Margelle, tmp_path: Path) -> None:
    fill_old(database(tmp_path), 5000)
    assert "5000 measurements kept.\n0 of 5000 earlier measurements folded; " in margelle("status", *here(tmp_path)).out
    told = json.loads(margelle("status", "--json", *here(tmp_path)).out)
    assert told["earlier"] == {"folded": 0, "points": 5000}
    margelle("store", "fold", *here(tmp_path))
    assert "earlier" not in margelle("status", *here(tmp_path)).out
    assert json.loads(margelle("status", "--json", *here(tmp_path)).out)["earlier"] is None


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


def rows(exported: str) -> list[str]:
    return [line for line in exported.splitlines() if not line.startswith("#")]


def test_a_database_that_cannot_be_written_is_checked_and_exported(
    margelle: Margelle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, digest = fill_old(database(tmp_path), 5000)
    margelle("store", "fold", *here(tmp_path))
    exported = margelle("export", *here(tmp_path))
    monkeypatch.setattr(Fixed, "at", Fixed)  # root can write everything
    told = margelle("store", "check", *here(tmp_path))
    assert (told.code, told.out.partition(".")[0]) == (0, f"{points} measurements read, digest {digest}")
    assert told.err.count("margelle.sqlite cannot be written here, so it is only read, as it is") == 1
    listed = margelle("site", "list", *here(tmp_path))
    assert (listed.code, "cannot be written here" in listed.err) == (0, True)
    again = margelle("export", *here(tmp_path))
    assert (again.code, rows(again.out)) == (0, rows(exported.out))
    assert "cannot be written here" in again.err
    assert "cannot be written here" not in exported.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hub_that_only_serves_forgets_what_is_over(start: Start, tmp_path: Path, workers: str) -> None:
    start("store", "fold", *here(tmp_path)).ended()
    connection = apsw.Connection(str(database(tmp_path)))
    connection.execute("INSERT INTO form (digest, until) VALUES ('old', 1)")
    hub = start("serve", "--no-collect", "--workers", workers, "--port", "0", *here(tmp_path))
    hub.until("Data:")
    while connection.execute("SELECT count(*) FROM form").get:
        pass  # the suite's time limit ends a hub that never forgets
    connection.close()
    assert hub.end() == 0, hub.text


def test_the_command_tells_where_each_table_is(margelle: Margelle, cluster: Cluster) -> None:
    here = ("--set", f"store={cluster.create('told')}")
    told = json.loads(margelle("store", "distribute", "--json", *here).out)["tables"]
    assert told["chunk"] == "probe"
    assert told["site"] is None
    again = margelle("store", "distribute", *here)
    assert again.code == 1
    assert "already" in again.err
