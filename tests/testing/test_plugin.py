"""The fixture, as somebody else's test suite uses it: in a pytest of its own, with the example of the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import margelle
from margelle import testing
from margelle.errors import MargelleError
from tests.simulate.faults.client import ask

PAGE = Path(__file__).parents[2] / "docs" / "clouds.md"
SECOND = """

def test_an_earlier_tests_faults_are_gone(margelle_clouds):
    assert not margelle_clouds.faults.chosen
    assert margelle_clouds.log == []
"""


BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
CONFTEST, EXAMPLE, OPTIONS, OTHERS, SCRIPT = BLOCKS


def _python(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(Path(margelle.__file__).parents[1]), "PATH": ""},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout.decode() + ended.stderr.decode()
    return ended.stdout.decode()


@pytest.mark.parametrize(("conftest", "example", "count"), [(CONFTEST, EXAMPLE + SECOND, 3), (OPTIONS, OTHERS, 2)])
def test_a_documented_example_passes_in_a_suite_of_its_own(
    tmp_path: Path, conftest: str, example: str, count: int
) -> None:
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_mine.py").write_text(example)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    told = _python(tmp_path, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider", str(tmp_path))
    assert f"{count} passed" in told


def test_the_documented_script_runs(tmp_path: Path) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ondilo owner@clouds\.example \S+\n", _python(tmp_path, "-c", SCRIPT))


@pytest.mark.parametrize("settings", [{"ondillo": {}}, {"ondilo": {"types": "empty"}}, {"baxo": {"page_rows": 0}}])
def test_settings_that_there_are_not_are_refused(settings: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(MargelleError), testing.clouds(past=timedelta(hours=1), settings=settings):
        raise AssertionError("these clouds cannot be")


def test_a_token_is_its_logins_own(tmp_path: Path) -> None:
    with testing.clouds(past=timedelta(hours=2)) as sky:
        seen = [{pool["id"] for pool in _pools(sky, login)} for login in (sky.login, sky.neighbour)]
    assert seen[0] & seen[1]
    assert seen[0] - seen[1]


def _pools(sky: testing.Sky, login: str) -> Any:
    token = {"Authorization": f"Bearer {sky.access_token('ondilo', login)}"}
    return ask(sky.base_url("ondilo"), "GET", "/api/customer/v1/pools", None, token).json
