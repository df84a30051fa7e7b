"""What was said of tags on a page is kept, goes together with the settings file, and reaches the collector."""

from __future__ import annotations

from pathlib import Path

import pytest

from margelle.cli.meanings import HubMeanings
from margelle.config import load
from margelle.errors import ConfigError
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS


def meanings(folder: Path, store: MemoryStore, file: str = "") -> HubMeanings:
    path = folder / "margelle.toml"
    path.write_text(file)
    return HubMeanings(load(path, {}, {}), VENDORS, store)


async def test_what_was_said_holds_at_once_and_after_a_restart(tmp_path: Path) -> None:
    store = MemoryStore()
    here = meanings(tmp_path, store)
    await here.say("baxo", {"14587/PH": "ph", "NIVEAU": "level cm"})
    assert here.in_force("baxo") == {"14587/PH": "ph", "NIVEAU": "level cm"}
    later = meanings(tmp_path, store)
    await later.refresh()
    assert later.sections["baxo"]["tags"] == here.in_force("baxo")
    await later.say("baxo", {"14587/PH": ""})
    assert later.in_force("baxo") == {"NIVEAU": "level cm"}


async def test_the_file_wins_and_it_is_said(tmp_path: Path) -> None:
    here = meanings(tmp_path, MemoryStore(), '[baxo.tags]\nPH = "ph"\n')
    with pytest.raises(ConfigError, match="does not go together"):
        await here.say("baxo", {"14587/PH": "orp"})
    assert here.in_force("baxo") == here.in_file("baxo") == {"PH": "ph"}


async def test_nonsense_is_refused_in_the_settings_own_words_and_nothing_is_kept(tmp_path: Path) -> None:
    store = MemoryStore()
    here = meanings(tmp_path, store)
    with pytest.raises(ConfigError, match="no quantity 'phh'"):
        await here.say("baxo", {"14587/PH": "phh", "14587/NIVEAU": "level"})
    assert here.in_force("baxo") == {}
    assert await store.memo("meanings of baxo") is None


async def test_each_listener_is_told_of_a_change_once_whoever_made_it(tmp_path: Path) -> None:
    store = MemoryStore()
    here, elsewhere = meanings(tmp_path, store), meanings(tmp_path, store)
    first, second, third = here.news(), here.news(), elsewhere.news()
    await here.say("baxo", {"14587/PH": "ph"})
    assert [await one() for one in (first, second, third)] == [{"baxo"}] * 3
    assert [await one() for one in (first, second, third)] == [set()] * 3


async def test_an_account_that_is_removed_takes_no_meaning_along(tmp_path: Path) -> None:
    from margelle.domain.site import Account

    store = MemoryStore()
    here = meanings(tmp_path, store)
    await store.put_account(Account("baxo", "baxo", "a@b.example", "a"))
    await here.say("baxo", {"PH": "ph"})
    await store.remove_account("baxo")
    again = meanings(tmp_path, store)
    await again.refresh()
    assert again.in_force("baxo") == {"PH": "ph"}
