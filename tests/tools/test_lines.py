from __future__ import annotations

from pathlib import Path

import pytest
from tools.lines import Size, code_lines, size

from margelle.vendors import VENDORS


def test_lines_that_say_nothing_are_not_counted() -> None:
    assert (
        code_lines(
            '"""A module\nof two lines."""\n\n# why\nx = (\n    1,  # one\n)\n\n\ndef f() -> int:\n    """It."""\n    return x\n'
        )
        == 5
    )


def test_each_line_is_counted_for_the_half_that_needs_it(tmp_path: Path) -> None:
    folder = tmp_path / "margelle/vendors/blue"
    folder.mkdir(parents=True)
    for name, text in {
        "__init__": "a = 1\n",
        "wire": "a = 1\n",
        "translate": "from margelle.vendors.blue import wire\nb = 2\n",
        "paths": "a = 1\nb = 2\nc = 3\n",
        "client": "from margelle.vendors.blue.paths import a\nfrom margelle.vendors.blue import translate\n",
        "page": "a = 1\nb = 2\nc = 3\nd = 4\n",
        "routes": "from margelle.vendors.blue import page, paths\nimport starlette\n",
        "forgotten": "a = 1\n",
    }.items():
        (folder / f"{name}.py").write_text(text)
    assert size("blue", tmp_path) == Size(record=1, wire=1, translate=2, collected=2, imitated=6, both=3)


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_half_of_a_vendor_is_empty(vendor: str) -> None:
    found = size(vendor)
    assert min(found.record, found.wire, found.translate, found.collected, found.imitated) > 0
