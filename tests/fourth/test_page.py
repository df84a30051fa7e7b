"""The page that explains how to add a vendor shows the code that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/add-a-vendor.md").read_text()
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LEFT_OUT = re.compile(r"^ *…\n", re.MULTILINE)


def test_every_piece_of_code_says_which_file_it_is_from() -> None:
    assert {path for _, path, _ in BLOCKS} == {
        "tests/evidence/lily/keys.json",
        *(f"tests/fourth/lily/{name}.py" for name in ("__init__", "wire", "translate", "client", "routes")),
    }


@pytest.mark.parametrize(("path", "code"), [(path, code) for _, path, code in BLOCKS])
def test_a_piece_of_code_stands_in_its_file(path: str, code: str) -> None:
    text = (ROOT / path).read_text()
    place = 0
    for part in LEFT_OUT.split(code):
        place = text.index(part, place) + len(part)


def test_every_module_beside_the_vendors_is_on_the_page() -> None:
    beside = {path.name for path in (ROOT / "src/margelle/vendors").glob("*.py")} - {"__init__.py"}
    assert {name for name in beside if f"`{name}`" not in PAGE} == set()
