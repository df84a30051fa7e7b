"""What must never be read by anybody is replaced before it is written anywhere.

The text may be anything: JSON (also cut, nested in a string, or percent-encoded), a form, a query, headers, HTML, a Python repr, a log line.
So nothing is parsed: wherever a telling key stands before a separator, the value after it goes, to where a value of that kind ends.
Rather too much is masked than too little.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from margelle.phrase import Phrase

MASK = "***"

_QUOTE = r"(?:\\*[\"']|&quot;|&apos;|&\#0?3[49];|&\#x2[27];|%22|%27)"
_KEY = re.compile(
    rf"""
    (?: token(?!_?-?type) | passw(?:or)?d | passphrase | pwd | secret | authori[sz]ation(?!_?-?code\b) | credential | cookie | jwt
      | api[_-]?key | access[_-]?key | private[_-]?key | activation[_-]?key | session_?id | sessid | code_verifier | auth(?:ori[sz]ation)?[_-]?code
      | (?P<exact> (?: (?<![A-Za-z0-9_-]) | (?<=%[0-9A-F][0-9A-F]) | (?<=\\u00[23][0-9A-F]) )(?: code | access | refresh | pass | sid | pac )(?![A-Za-z0-9_-]) )
    )
    (?: [\w.\-\[\]] | %5[BD] ){{0,40}}
    (?P<closed> {_QUOTE} )?
    (?P<separator> \s{{0,8}} (?: [:=]>? | %3[AD](?: %20 | \+ ){{0,4}} | &\#58; ) \s{{0,8}} )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_WORDS = (
    "token",
    "pass",
    "pwd",
    "secret",
    "authori",
    "credential",
    "cookie",
    "jwt",
    "key",
    "sess",
    "sid",
    "code",
    "access",
    "refresh",
    "pac",
)
"""Every telling key holds one of these."""
_OPENING = re.compile(rf"[bBrRuU]{{0,2}}({_QUOTE})")
_RAW_OPENING = re.compile(r"[bBrRuU]{0,2}(\\*[\"'])")
_FORM_END = re.compile(r"[&\s\"<>]")
_CODED_FORM_END = re.compile(r"%26|[&\s\"<>]")
_REPR_GOES_ON = re.compile(r"\\*[\"'](?=[,\s\]}]|\Z|\)+(?:[\s,]|\Z))")
_SCALAR_END = re.compile(r"[,}\]\s]|%2C|%7D|&quot;", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]")
_BRACKET = re.compile(r"[\[\]{}]|(\\*[\"'])")
_NOTHING = {"null", "None", "true", "false", "True", "False", "", MASK}

_OPAQUE = r"(?=\s{1,8}[A-Za-z0-9._~+/=-]{16})(?=\s{1,8}[A-Za-z._~+/=-]{0,200}\d)"  # long, with a digit: no word
_SCHEME = re.compile(rf"(?i)\b(bearer|basic|digest|token{_OPAQUE})(\s{{1,8}}|%20|\+)[A-Za-z0-9._~+/=%-]+")
_USERINFO = re.compile(r"((?:\\?/){2})[^/\s?#\"<>\\]+@")
_CODED_CHARACTER = r"(?!%2f|%3f|%23|%40)[^\s&\"'<>]"
_CODED_USERINFO = re.compile(rf"(?i)(%2f%2f)(?:{_CODED_CHARACTER})+(?:%40(?:{_CODED_CHARACTER})+)*%40")
_NAME = r"[\w.\-\[\]]*(?:token|passw(?:or)?d|passphrase|pwd|secret|code|api[_-]?key)[\w.\-\[\]]*"
_PART = re.compile(rf"(?is)(name=\"?{_NAME}\"?[^\n]{{0,200}}\n(?:[^\r\n]{{1,200}}\r?\n){{0,8}}\r?\n).*?(?=\r?\n--|\Z)")
_INPUT = re.compile(rf"(?is)<input\b[^>]{{0,400}}?\b(?:name|id|type)\s?=\s?[\"']?{_NAME}[^>]{{0,9999}}>?")
_INPUT_TAG = re.compile(r"(?is)<input\b[^>]{0,9999}>?")
_INPUT_VALUE = re.compile(r"(?is)(\bvalue\s?=\s?)(?:\"[^\"]*\"?|'[^']*'?|[^\s>]+)")
_ELEMENT = re.compile(rf"(?is)(<({_NAME})(?:\s[^>]{{0,400}})?>)[^<]+")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with the values of tokens, passwords and keys masked, and each of `secrets` wherever it stands, however it is written."""
    text = _addresses(_without(text, secrets))  # first, since a password may look like a key
    text = _PART.sub(rf"\g<1>{MASK}", text)
    text = _INPUT_TAG.sub(_input, text)
    text = _ELEMENT.sub(rf"\1{MASK}", text)
    return _addresses(_SCHEME.sub(rf"\1\2{MASK}", _pairs(text)))


def is_telling(name: str) -> bool:
    """Whether what is called `name`, in a form, a query or a header, is a secret."""
    return _KEY.search(f"{name}=") is not None


def _addresses(text: str) -> str:
    """Mask the login that stands before the host of an address."""
    return _CODED_USERINFO.sub(rf"\1{MASK}%40", _USERINFO.sub(rf"\1{MASK}@", text))


def _input(tag: re.Match[str]) -> str:
    """An HTML input without its value, if its name or type tells that this is a secret, whatever the order of the attributes."""
    return _INPUT_VALUE.sub(rf'\1"{MASK}"', tag[0]) if _INPUT.match(tag[0]) else tag[0]


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if len(secret) > 3:  # shorter ones stand in every other word
            for spelling in _spellings(secret):
                text = text.replace(spelling, MASK)
    return text


def _spellings(secret: str) -> list[str]:
    """How a secret may be written, longest first, so that none leaves a rest of another."""
    escaped = json.dumps(secret)[1:-1]
    ways = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        quote(secret, safe="!'()*~"),
        html.escape(secret),
    }
    ways |= {
        escaped,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        escaped.replace("/", "\\/"),
        json.dumps(escaped)[1:-1],
    }
    ways |= {way.lower() for way in ways if "%" in way}
    return sorted(ways, key=len, reverse=True)


def _pairs(text: str) -> str:
    """Mask what follows every telling key."""
    lower = text.lower()
    if text.isascii() and not any(word in lower for word in _WORDS):
        return text  # as a month of measurements, in which to look for the keys themselves takes 20 ms
    parts, done, at = [], 0, 0
    while key := _KEY.search(text, at):
        start, end = _value(text, key)
        at = max(end, key.end())
        if text[start:end].strip() not in _NOTHING:
            parts += [text[done:start], MASK]
            done = end
    return "".join((*parts, text[done:]))


def _value(text: str, key: re.Match[str]) -> tuple[int, int]:
    """Where the value of `key` begins and ends."""
    start, separator = key.end(), key["separator"].strip().lower()
    if separator == "=":
        return _form_value(text, start)
    if separator.startswith("%3d"):
        return start, _first(_CODED_FORM_END, text, start)
    if opening := _OPENING.match(text, start):
        return opening.end(), _quoted_end(text, opening.end(), opening[1])
    if key["closed"]:
        return start, _nested_end(text, start) if text[start : start + 1] in {"[", "{"} else _first(
            _SCALAR_END, text, start
        )
    if key["exact"]:  # "access: denied" is prose
        return start, start
    return start, _first(_LINE_END, text, start)


def _first(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.search(text, start)
    return found.start() if found else len(text)


def _form_value(text: str, start: int) -> tuple[int, int]:
    """Where the value after a `=` begins and ends: quoted as in a repr, or of a form, which may itself begin with a quote."""
    end = _first(_FORM_END, text, start)
    if not (opening := _RAW_OPENING.match(text, start)):
        return start, end
    closing = _quoted_end(text, opening.end(), opening[1])
    return (opening.end(), closing) if _REPR_GOES_ON.match(text, closing) else (start, max(end, closing))


def _quoted_end(text: str, start: int, mark: str) -> int:
    """Where the string opened by `mark` ends; the end of `text` if it was cut.

    In a string within d others the closing quote is written with 2^d - 1 backslashes, and each backslash of the value adds 2^(d+1).
    """
    sign = mark.lstrip("\\")
    escape = "%5C" if sign.startswith("%") else "\\"
    depth = len(mark) - len(sign)
    quotes = re.compile(rf"(?<!\\)((?:{re.escape(escape)})*){re.escape(sign)}", re.IGNORECASE)
    for quoted in quotes.finditer(text, start):
        count = len(quoted[1]) // len(escape)
        if count < depth or count % (2 * depth + 2) == depth:
            return quoted.end(1) - len(escape) * min(count, depth)
    return len(text)


def _nested_end(text: str, start: int) -> int:
    """Where the list or object that begins at `start` is closed; the end of `text` if it never is."""
    level = 0
    while bracket := _BRACKET.search(text, start):
        if bracket[1]:  # a string, whose brackets do not count
            start = _quoted_end(text, bracket.end(), bracket[1]) + len(bracket[1])
            continue
        start = bracket.end()
        level += 1 if bracket[0] in "[{" else -1
        if level == 0:
            return start
    return len(text)


def redacted(phrase: Phrase | None) -> Phrase | None:
    """A phrase in whose values nothing is to be read that `redact` hides."""
    if phrase is None:
        return None
    values = {
        name: redact(said) if isinstance(said, str) else redacted(said) or said for name, said in phrase.values.items()
    }
    return Phrase(phrase.name, values)
