"""What must never be read by anybody is replaced before it is written anywhere."""

from __future__ import annotations

import re

MASK = "***"

_SECRET_WORDS = "access_token|refresh_token|id_token|token|password|passwd|pwd|client_secret|secret|authorization|code|api_?key|cookie"  # noqa: S105
_PAIR = re.compile(rf"(?i)\b({_SECRET_WORDS})(=)[^&\s\"'<>]*")
_JSON = re.compile(rf'(?i)("(?:{_SECRET_WORDS})"\s*:\s*)"(?:[^"\\]|\\.)*"?')
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+")
_USERINFO = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/@\s]+@")


def redact(text: str) -> str:
    """`text` with the values of tokens, passwords and keys masked: in JSON, form bodies, queries, headers and URLs."""
    text = _JSON.sub(rf'\1"{MASK}"', text)
    text = _PAIR.sub(rf"\1\2{MASK}", text)
    text = _SCHEME.sub(rf"\1 {MASK}", text)
    return _USERINFO.sub(rf"\1{MASK}@", text)
