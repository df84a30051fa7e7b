from __future__ import annotations

import pytest
from tools.reference import DOCS, PAGES

from margelle.config import TABLE, env_name


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_pages_are_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_setting_is_on_the_page() -> None:
    page = PAGES["settings.md"]()
    for setting in TABLE:
        assert f"| `{setting.name}`<br>`{env_name(setting.name)}` |" in page
        assert setting.sentence in page
