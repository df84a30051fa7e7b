"""Where a hub counts its requests."""

from __future__ import annotations

from pathlib import Path

from margelle.cli.house import House, budget_file, open_kept
from margelle.config import load
from margelle.domain.site import Account
from tests.conftest import NOW


def house(folder: Path, store: str) -> House:
    environ = {
        "MARGELLE_DATA_DIR": str(folder),
        "MARGELLE_KEY_FILE": str(folder.parent / "key"),
        "MARGELLE_STORE": store,
    }
    settings = load(None, environ, {})
    return House(settings, open_kept(settings), lambda: NOW)


async def test_hubs_on_one_store_share_its_budget_wherever_their_data_folders_are(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept", target_is_directory=True)
    one = house(tmp_path / "a", str(tmp_path / "kept" / "m.sqlite"))
    two = house(tmp_path / "b", f"sqlite:///{tmp_path / 'link' / 'm.sqlite'}")
    account = Account("ondilo-1", "ondilo", "you@x.example", "you@x.example")
    assert one.budget(account).take(NOW, "latest") == 0
    assert one.requests_left(account) == two.requests_left(account)
    assert two.requests_left(account)["requests_left"] == two.requests_left(account)["requests_allowed"] - 1
    assert budget_file(two.settings) == (tmp_path / "kept" / "budget.sqlite").resolve()
    for hub in (one, two):
        await hub.close()


async def test_where_the_store_is_in_the_data_folder_so_is_the_budget(tmp_path: Path) -> None:
    hub = house(tmp_path / "a", "")
    assert budget_file(hub.settings) == (tmp_path / "a" / "budget.sqlite").resolve()
    await hub.close()
    hub = house(tmp_path / "b", "memory:")
    assert budget_file(hub.settings) == tmp_path / "b" / "budget.sqlite"
    await hub.close()
