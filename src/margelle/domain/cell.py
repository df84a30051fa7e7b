"""Text in a cell of a table, told apart from what a spreadsheet would compute (docs/decisions/0049)."""

from __future__ import annotations

import re
from typing import Final

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_MARK: Final = "'"


def guarded(text: str) -> str:
    """`text` for a cell: with an apostrophe before it where a spreadsheet would take it for a formula. A number is one, and stays as it is."""
    return text if _FORMULA.match(text) is None or _is_number(text) else _MARK + text


def unguarded(cell: str) -> str:
    """The text of a cell that was `guarded`."""
    return cell[1:] if cell.startswith(_MARK) and _FORMULA.match(cell) is not None else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text.isprintable()
