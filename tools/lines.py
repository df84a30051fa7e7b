"""How much code each vendor takes, measured: lines that say something, without blank ones, comments and docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

SOURCE: Final = Path(__file__).resolve().parent.parent / "src"
PACKAGE: Final = "margelle.vendors"


class Size(NamedTuple):
    """The lines of code of one vendor, by what they are for. A module that both halves use counts as `both`."""

    record: int
    wire: int
    translate: int
    collected: int
    imitated: int
    both: int


def size(vendor: str, source: Path = SOURCE, package: str = PACKAGE) -> Size:
    """Of the vendor called `vendor` in a package below `source`: what its client and its routes import, and they themselves."""
    root = f"{package}.{vendor}"
    words = {
        name for name in modules(root, source) if name.removeprefix(f"{root}.").split(".")[0] in {"wire", "translate"}
    }
    client, routes = (reached(f"{root}.{half}", root, source) - words - {root} for half in ("client", "routes"))

    def total(names: set[str]) -> int:
        return sum(code_lines(file_of(name, source).read_text(encoding="utf-8")) for name in names)

    wire = {name for name in words if name.removeprefix(f"{root}.").startswith("wire")}
    return Size(
        total({root}),
        total(wire),
        total(words - wire),
        total(client - routes),
        total(routes - client),
        total(client & routes),
    )


def shared(source: Path = SOURCE) -> int:
    """The lines of code beside the vendors' folders, which serve them all."""
    files = (source / PACKAGE.replace(".", "/")).glob("*.py")
    return sum(code_lines(file.read_text(encoding="utf-8")) for file in files)


def code_lines(text: str) -> int:
    """How many lines of `text` hold code."""
    tree = ast.parse(text)
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(text.splitlines(), 1)
    return sum(1 for n, line in lines if n not in docstrings and line.strip() and not line.strip().startswith("#"))


def reached(module: str, root: str, source: Path) -> set[str]:
    """`module`, and what it imports below `root`, and so on."""
    known = modules(root, source) - {root}  # which imports both halves, each when it is first wanted
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one for one in imports(file_of(name, source).read_text(encoding="utf-8")) if one in known]
    return found


def imports(text: str) -> Iterator[str]:
    """The names of all modules that `text` imports, and of what it imports from them."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def modules(root: str, source: Path) -> set[str]:
    """The package `root` and every module in it."""
    folder = source / root.replace(".", "/")
    files = (file.relative_to(source).with_suffix("") for file in folder.rglob("*.py"))
    return {".".join(file.parts).removesuffix(".__init__") for file in files}


def file_of(module: str, source: Path) -> Path:
    """Where a module's text is."""
    path = source / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
