"""Which passwords are good enough to choose: long, and not the first ones that anybody would try (NIST SP 800-63B, 3.1.1.2)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from margelle.errors import BadInput
from margelle.phrase import Phrase

SHORTEST: Final = 8
"""Characters."""

_USUAL: Final = {
    *("password", "password1", "passw0rd", "iloveyou", "sunshine", "princess", "football", "baseball", "superman"),
    *("trustno1", "whatever", "starwars", "computer", "internet", "letmein1", "welcome1", "changeme", "changeit"),
    *("qwertyuiop", "qwerty123", "qwertz123", "administrator", "admin123", "admin1234", "swimming", "swimmingpool"),
    *("motdepasse", "azertyuiop", "azerty123", "bonjour1", "bonjour123", "jetaime1", "doudou123", "loulou123"),
    *("soleil123", "marseille", "piscine1", "piscine123", "margelle", "margelle1", "margelle-demo"),
}
"""Of those with eight characters or more, what lists of stolen passwords have first, in French and English, and what this house suggests."""
_STEPS: Final = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz")


def demand_good(password: str, email: str) -> None:
    """Raises BadInput for a password that is too short, or that would be guessed."""
    if len(password) < SHORTEST:
        raise BadInput(
            f"A password has at least {SHORTEST} characters.",
            hint="A short sentence is a good one.",
            phrase=Phrase("password.weak"),
        )
    plain = unicodedata.normalize("NFKC", password).casefold()
    if plain in _USUAL or _is_pattern(plain) or plain in {email.casefold(), email.casefold().partition("@")[0]}:
        raise BadInput(
            "This password would be guessed at once.",
            hint="A short sentence is a good one.",
            phrase=Phrase("password.weak"),
        )


def _is_pattern(text: str) -> bool:
    """Whether it is one piece again and again, or a row of digits or letters."""
    return re.fullmatch(r"(.{1,3})\1+", text[:64], re.DOTALL) is not None or any(text in row for row in _STEPS)
