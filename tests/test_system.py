from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system import program

MISSING = "no-such-program is not installed (on Debian: apt install no-such-package)"


def test_a_program_that_is_there_is_found() -> None:
    assert Path(program("sh", "dash")).is_file()


def test_what_cannot_be_tested_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        program("no-such-program", "no-such-package")


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_run_says_what_it_left_out_and_fails_for_it_in_ci(tmp_path: Path, ci: str, code: int) -> None:
    (tmp_path / "test_one.py").write_text(
        "from tests.system import program\n\n"
        "def test_one():\n    program('no-such-program', 'no-such-package')\n\n"
        "def test_two():\n    program('no-such-program', 'no-such-package')\n"
    )
    root = Path(__file__).parent.parent
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        cwd=root, env={"CI": ci, "PATH": "", "PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == code, ended.stdout
    assert (f"2 tests were left out: {MISSING}." in ended.stdout) == (not ci)
    assert (f"{MISSING}, and in CI nothing is left untested" in ended.stdout) == bool(ci)
