"""Every small mistake that can be made in a module, found in its syntax tree: no list of ours."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct

from margelle.domain.unit import Unit

Edit = Callable[[Any], ast.AST]
"""Takes a node of a fresh copy of the tree, and returns what stands in its place."""

OPPOSITE: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
UNITS: Final = [unit.name for unit in Unit]
TYPES: Final = {"str": "int", "int": "str", "bool": "str", "float": "str", "Number": "str"}


class Mistake(Struct, frozen=True):
    """A module with one mistake in it. `name` says where and what, and stays the same while lines move.

    `function` is the outermost function, as `Class.function`, whose body holds the mistake; empty where importing the module runs it.
    """

    module: str
    name: str
    source: str
    function: str = ""


def mistakes(module: str, source: str) -> Iterator[Mistake]:
    """All mistakes that we can think of for the source of `module`."""
    tree = ast.parse(source)
    texts, wire = [ast.unparse(statement) for statement in tree.body], module.endswith("wire")
    seen: Counter[str] = Counter()
    for n, statement in enumerate(tree.body):
        for name, function, text in _of_statement(tree, statement, wire=wire):
            full = f"{module.rpartition('.')[2]}{name}"
            seen[full] += 1
            number = f" #{seen[full]}" if seen[full] > 1 else ""
            if text != texts[n]:
                yield Mistake(module, full + number, "\n".join((*texts[:n], text, *texts[n + 1 :])), function)


def _of_statement(tree: ast.Module, statement: ast.stmt, *, wire: bool) -> Iterator[tuple[str, str, str]]:
    """Name, function and new text of each mistake in a statement of the module."""
    if _silent(tree, statement, wire=wire):
        return
    for place, (node, where, function) in enumerate(_walk(statement, wire=wire)):
        for what, edit in _edits(node, wire=wire):
            yield f"{where}: {what}", function, ast.unparse(_edited(statement, place, edit, wire=wire))


def _edited(statement: ast.stmt, place: int, edit: Edit, *, wire: bool) -> ast.AST:
    fresh = copy.deepcopy(statement)
    target = next(node for n, (node, *_) in enumerate(_walk(fresh, wire=wire)) if n == place)
    replaced = edit(target)
    return fresh if replaced is target else _Replace(target, replaced).visit(fresh)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self._new if node is self._old else self.generic_visit(node)


# --- where mistakes are made -----------------------------------------------------------------------------------------


def _walk(node: ast.AST, where: str = "", function: str = "", *, wire: bool) -> Iterator[tuple[ast.AST, str, str]]:
    """Every node that runs, with the names of the definitions around it and the outermost function: no docstrings, no imports, no text of our own errors."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        where = f"{where}.{node.name}"
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        where = f"{where}.{ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)}"
    if isinstance(node, ast.FunctionDef):
        function = function or where.removeprefix(".")
    yield node, where, function
    for child in ast.iter_child_nodes(node):
        if not _silent(node, child, wire=wire):
            yield from _walk(child, where, function, wire=wire)


def _silent(parent: ast.AST, child: ast.AST, *, wire: bool) -> bool:
    if isinstance(child, (ast.Import, ast.ImportFrom, ast.Raise, ast.arguments, ast.expr_context)):
        return True
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True
    if isinstance(parent, ast.FunctionDef):
        return child in parent.decorator_list or child is parent.returns
    if isinstance(parent, ast.ExceptHandler):
        return child is parent.type
    # The types of wire structs read and refuse; elsewhere types, and how a class is made, are for the reader.
    return not wire and (
        (isinstance(parent, ast.AnnAssign) and child is parent.annotation)
        or (isinstance(parent, ast.ClassDef) and isinstance(child, ast.keyword))
        or ast.unparse(child).startswith("Literal[")
    )


# --- which mistakes --------------------------------------------------------------------------------------------------


def _edits(node: ast.AST, *, wire: bool) -> Iterator[tuple[str, Edit]]:
    yield from _words(node)
    yield from _logic(node)
    if wire and isinstance(node, ast.ClassDef):
        yield from _fields(node)
    if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant) and node.value.value is None:
        yield "the default becomes a text", _defaulting
    if isinstance(node, ast.Call):
        yield from _arguments(node)
    if isinstance(node, (ast.Tuple, ast.List, ast.Dict)):
        yield from _entries(node)


def _words(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield f"{value} becomes {not value}", _constant(not value)
        elif isinstance(value, str):
            yield f"{value[:60]!r} is misspelt", _constant(value + "x")
        elif isinstance(value, (int, float)):
            yield f"{value} becomes {value + 1}", _constant(value + 1)
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Unit":
        other = UNITS[(UNITS.index(node.attr) + 1) % len(UNITS)]
        yield f"{node.attr} becomes {other}", lambda node: _set(node, attr=other)
    elif isinstance(node, ast.Name) and node.id in TYPES and isinstance(node.ctx, ast.Load):
        yield f"{node.id} becomes {TYPES[node.id]}", lambda node: _set(node, id=TYPES[node.id])


def _logic(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITE:
        yield f"`{_short(node)}` is turned", lambda node: _set(node, ops=[OPPOSITE[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.BoolOp):
        yield f"`{_short(node)}` is turned", lambda node: _set(node, op=OPPOSITE[type(node.op)]())
        for n in range(len(node.values)):
            yield f"of `{_short(node)}` only part {n + 1}", _part(n)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield f"`{_short(node)}` loses its end", lambda node: node.left
    elif isinstance(node, ast.BinOp) and type(node.op) in OPPOSITE:
        yield f"`{_short(node)}` is turned", lambda node: _set(node, op=OPPOSITE[type(node.op)]())
    elif isinstance(node, ast.UnaryOp):
        yield f"`{_short(node)}` loses its sign", lambda node: node.operand
    elif isinstance(node, ast.IfExp):
        yield f"`{_short(node)}` always", lambda node: node.body
        yield f"`{_short(node)}` never", lambda node: node.orelse
    elif isinstance(node, ast.If):
        yield f"if {_short(node.test)} is turned", lambda node: _set(node, test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Expr):
        yield f"`{_short(node)}` is left out", lambda _: ast.Pass()


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, Edit]]:
    """A struct's names on the wire, misspelt and swapped, and their order."""
    names = [ast.unparse(one.target) for one in node.body if isinstance(one, ast.AnnAssign)]
    for name in names:
        yield f"{name} is misspelt", _renaming({name: name + "x"})
    for one, other in pairwise(names):
        yield f"{one} and {other} are swapped", _renaming({one: other, other: one})
        yield f"{other} comes before {one}", _reordering(one, other)
    for n, keyword in enumerate(node.keywords):
        yield f"{keyword.arg} is left out", _without("keywords", n)


def _renaming(names: dict[str, str]) -> Edit:
    def edit(node: ast.ClassDef) -> ast.AST:
        node.keywords.append(ast.keyword("rename", ast.parse(repr(names), mode="eval").body))
        return node

    return edit


def _reordering(one: str, other: str) -> Edit:
    def edit(node: ast.ClassDef) -> ast.AST:
        at = {ast.unparse(line.target): n for n, line in enumerate(node.body) if isinstance(line, ast.AnnAssign)}
        node.body[at[one]], node.body[at[other]] = node.body[at[other]], node.body[at[one]]
        return node

    return edit


def _defaulting(node: ast.AnnAssign) -> ast.AST:
    node.value = ast.Constant("x")
    return node


def _arguments(node: ast.Call) -> Iterator[tuple[str, Edit]]:
    """Two arguments that stand beside each other, swapped."""
    for n in range(len(node.args) - 1):
        if not any(isinstance(one, ast.Starred) for one in node.args[n : n + 2]):
            yield f"arguments {n + 1} and {n + 2} of {_short(node.func)} are swapped", _swapping("args", n)
    for n in range(len(node.keywords) - 1):
        one, other = node.keywords[n : n + 2]
        if one.arg and other.arg:
            yield f"{one.arg} and {other.arg} of {_short(node.func)} are swapped", _swapping_values(n)
    for n, keyword in enumerate(node.keywords):
        if keyword.arg:
            yield f"{keyword.arg} of {_short(node.func)} is left out", _without("keywords", n)


def _entries(node: ast.Tuple | ast.List | ast.Dict) -> Iterator[tuple[str, Edit]]:
    """Two entries that stand beside each other, swapped; each one left out."""
    if isinstance(getattr(node, "ctx", ast.Load()), ast.Store):
        return
    entries = node.values if isinstance(node, ast.Dict) else node.elts
    field = "values" if isinstance(node, ast.Dict) else "elts"
    for n in range(len(entries) - 1):
        yield f"{_short(entries[n])} and {_short(entries[n + 1])} are swapped", _swapping(field, n)
    for n, entry in enumerate(entries):
        yield f"{_short(entry)} is left out", _without(field, n)


def _swapping(field: str, n: int) -> Edit:
    def edit(node: ast.AST) -> ast.AST:
        entries = getattr(node, field)
        entries[n], entries[n + 1] = entries[n + 1], entries[n]
        return node

    return edit


def _swapping_values(n: int) -> Edit:
    def edit(node: ast.Call) -> ast.AST:
        one, other = node.keywords[n : n + 2]
        one.value, other.value = other.value, one.value
        return node

    return edit


def _without(field: str, n: int) -> Edit:
    def edit(node: ast.AST) -> ast.AST:
        del getattr(node, field)[n]
        if isinstance(node, ast.Dict):
            del node.keys[n]
        return node

    return edit


def _part(n: int) -> Edit:
    def edit(node: ast.BoolOp) -> ast.AST:
        return node.values[n]

    return edit


def _constant(value: object) -> Edit:
    return lambda node: _set(node, value=value)


def _set(node: ast.AST, **fields: object) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _short(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."
