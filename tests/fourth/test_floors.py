"""Lily keeps to what `make lint` demands of the vendors in `src`, and to the lines that the house promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.lines import file_of, imports, modules, reached, size

from margelle.vendors import VENDORS

ROOT = Path(__file__).parents[2]
LILY = "tests.fourth.lily"
NEVER = {"cli", "config", "simulate", "serve", "collect", "store", "net", "testing"}
"""What lies above a vendor, or beside it."""


def imported(module: str) -> set[str]:
    return set(imports(file_of(module, ROOT).read_text()))


def test_client_and_routes_do_not_import_each_other() -> None:
    client, routes = (reached(f"{LILY}.{half}", LILY, ROOT) for half in ("client", "routes"))
    assert client & routes == {f"{LILY}.wire", f"{LILY}.translate"}
    assert f"{LILY}.client" in client - routes
    assert f"{LILY}.routes" in routes - client


def test_wire_knows_nothing_of_us() -> None:
    assert not [name for name in imported(f"{LILY}.wire") if name.split(".")[0] in {"margelle", "tests"}]


@pytest.mark.parametrize("module", sorted(modules(LILY, ROOT)))
def test_a_vendor_imports_nothing_beside_or_above_it(module: str) -> None:
    ours = {name for name in imported(module) if name.startswith(("margelle.", "tests."))}
    assert not {name for name in ours if name.split(".")[1] in NEVER}
    assert not {name for name in ours if name.startswith(tuple(f"margelle.vendors.{vendor}" for vendor in VENDORS))}
    assert not {name for name in ours if name.startswith("tests.") and not name.startswith(LILY)}


def test_a_collector_does_not_load_the_server_nor_a_face_the_collecting() -> None:
    top = file_of(LILY, ROOT).read_text().split("def _connect")[0]
    assert not {name for name in imports(top) if name.startswith(f"{LILY}.")}
    beside = {name for name in imported(f"{LILY}.client") if name.startswith("margelle.vendors.")}
    for module in (name for name in beside if (ROOT / "src" / f"{name.replace('.', '/')}.py").exists()):
        text = file_of(module, ROOT / "src").read_text()
        assert not {name for name in imports(text) if name.startswith("starlette")}, module


def test_collecting_takes_under_200_lines_and_imitating_under_150() -> None:
    found = size("lily", ROOT, "tests.fourth")
    assert 0 < found.collected < 200
    assert 0 < found.imitated < 150
    assert found.both == 0
    assert found.wire + found.translate < 200
