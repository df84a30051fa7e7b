"""Text that a terminal only shows."""

from __future__ import annotations

import re
from typing import Final

_OBEYED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """`text` without what a terminal obeys, or what turns writing around: clouds choose names and reasons."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)
