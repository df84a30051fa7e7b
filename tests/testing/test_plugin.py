"""The fixture, as somebody else's test suite uses it: in a pytest of its own, with the example of the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import margelle

PAGE = Path(__file__).parents[2] / "docs" / "clouds.md"
SECOND = """

def test_an_earlier_tests_faults_are_gone(margelle_clouds):
    assert not margelle_clouds.faults.chosen
    assert margelle_clouds.log == []
"""


def test_the_documented_example_passes_in_a_suite_of_its_own(tmp_path: Path) -> None:
    conftest, example = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[:2]
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_mine.py").write_text(example + SECOND)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    ended = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:asyncio",
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(margelle.__file__).parents[1]), "PATH": ""},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout.decode()
    assert "3 passed" in ended.stdout.decode()
