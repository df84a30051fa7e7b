"""Reading what a cloud answered, for every vendor: the error that it means, or its JSON as far as it can be understood."""

from __future__ import annotations

import html
import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from msgspec import Raw, ValidationError
from msgspec.json import decode
from msgspec.structs import FieldInfo, fields

from margelle.errors import Limited, Malformed, MargelleError, answered, of_status, wait_asked_s
from margelle.phrase import Phrase
from margelle.ports import Answer, Fault
from margelle.redaction import redact

T = TypeVar("T")

EXCERPT: Final = 120
"""How much of an answer an error quotes, in characters."""

LONGEST_WAIT_S: Final = 86_400.0
"""A cloud that asks for more patience than a day is asked again after a day."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LIMIT: Final = re.compile(rb"limit exceeded|too many requests|quota exceeded", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")


class Entries(NamedTuple, Generic[T]):
    """The entries of a list that could be read, what was wrong with the fields of each, and what the lost ones were."""

    read: list[T]
    wrong: list[list[Fault]]
    lost: list[Fault]

    @property
    def faults(self) -> list[Fault]:
        """All of them, the lost entries first."""
        return [*self.lost, *(fault for faults in self.wrong for fault in faults)]


def saved(body: bytes) -> Answer:
    """A good answer that was kept by somebody, and not asked for now."""
    return Answer(200, {}, body, _EPOCH)


# --- errors ----------------------------------------------------------------------------------------------------------


def refusal(answer: Answer) -> MargelleError:
    """The error that an answer other than 200 means. A quota is told by its status or by its words."""
    wait_s = wait_asked_s(answer.headers.get("retry-after", ""), answer.at)
    wait_s = None if wait_s is None else min(wait_s, LONGEST_WAIT_S)
    if is_limit(answer):
        what = said(answer.body)
        return Limited(
            f"The cloud answered {answer.status}: {what}", retry_after_s=wait_s, phrase=answered(answer.status, what)
        )
    return of_status(answer.status, said(answer.body), retry_after_s=wait_s)


def is_limit(answer: Answer) -> bool:
    """Whether `answer` says that a quota is used up, by its status or (Ondilo, with a 400) by its words."""
    return answer.status == 429 or (
        answer.status >= 400 and answer.status != 401 and _LIMIT.search(answer.body[:1000]) is not None
    )


def said(body: bytes) -> str:
    """What an error's body says, short and redacted: the message of its JSON, the title of its page, or its beginning."""
    text = body[:20_000].decode(errors="replace")
    with suppress(ValueError, RecursionError):
        text = _message(json.loads(text)) or text
    title = _TITLE.search(text)
    return excerpt(html.unescape(_TAG.sub(" ", title[1] if title else text)))


def excerpt(text: str) -> str:
    """The beginning of `text` in one line, without secrets."""
    line = " ".join(redact(text[:20_000]).split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _message(error: Any) -> str | None:
    """The words of {"error": {"message": …}}, {"message": …} or OAuth's {"error_description": …, "error": …}."""
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return None
    return next(filter(None, (_message(error.get(key)) for key in ("error_description", "message", "error"))), None)


# --- JSON ------------------------------------------------------------------------------------------------------------


def entries(body: bytes, kind: type[T], where: str) -> Entries[T]:
    """The list that `body` is; an entry or field that is wrong becomes a fault. Raises Malformed where it is no list."""
    with suppress(ValueError, RecursionError):
        read: list[T] = decode(body, type=list[kind])  # type: ignore[valid-type]
        return Entries(read, [[] for _ in read], [])
    found = [_fields(bytes(raw), kind, f"{where}[{n}]") for n, raw in enumerate(_shaped(body, list[Raw], where))]
    kept = [(thing, faults) for thing, faults in found if thing is not None]
    lost = [fault for thing, faults in found if thing is None for fault in faults]
    return Entries([thing for thing, _ in kept], [faults for _, faults in kept], lost)


def entry(body: bytes, kind: type[T], where: str) -> tuple[T, list[Fault]]:
    """The object that `body` is; a field that is wrong becomes a fault. Raises Malformed where it is no object, or lacks what it needs."""
    with suppress(ValueError, RecursionError):
        return decode(body, type=kind), []
    _shaped(body, dict[str, Raw], where)
    thing, faults = _fields(_repaired(body), kind, where)
    if thing is None:
        what = "; ".join(fault.what for fault in faults)
        raise Malformed(f"{where}: {what}", phrase=Phrase("cloud.lacking", {"where": where, "what": what}))
    return thing, faults


def value(body: bytes, kind: type[T], where: str) -> T:
    """What `body` is, all of it as `kind` says. Raises Malformed."""
    return _shaped(body, kind, where)


def few(faults: list[Fault], most: int = 10) -> tuple[Fault, ...]:
    """The first `most` of `faults`, and how many more there were."""
    if len(faults) <= most:
        return tuple(faults)
    return (*faults[:most], Fault(faults[most].where, f"and {len(faults) - most} more faults"))


def _fields(raw: bytes, kind: type[T], where: str) -> tuple[T | None, list[Fault]]:
    """As many of the fields of a struct as can be read; None where one that it needs cannot."""
    try:
        return decode(raw, type=kind), []
    except (ValueError, RecursionError) as error:
        all_of_it = Fault(where, f"{excerpt(raw.decode(errors='replace'))}: {error}")
    known: dict[str, Any] = {}
    faults: list[Fault] = []
    try:
        given = decode(raw, type=dict[str, Raw])
        for one in fields(kind):  # type: ignore[arg-type]
            if one.encode_name in given:
                _field(one, bytes(given[one.encode_name]), where, known, faults)
        return kind(**known), faults
    except (ValueError, RecursionError, TypeError):
        return None, [all_of_it]


def _field(one: FieldInfo, raw: bytes, where: str, known: dict[str, Any], faults: list[Fault]) -> None:
    try:
        known[one.name] = decode(raw, type=one.type)
    except (ValueError, RecursionError) as error:
        faults.append(Fault(f"{where}.{one.encode_name}", f"{excerpt(raw.decode(errors='replace'))}: {error}"))


def _shaped(body: bytes, kind: type[T], where: str) -> T:
    try:
        return decode(_repaired(body), type=kind)
    except (ValueError, RecursionError) as error:
        wrong = f" ({error})" if isinstance(error, ValidationError) else ""
        text, came = _described(body)
        phrase = Phrase("cloud.strange", {"where": where, "came": came, "wrong": wrong})
        raise Malformed(f"{where}: {text} came instead of what was asked{wrong}.", phrase=phrase) from None


def _repaired(body: bytes) -> bytes:
    """`body` itself if it is JSON; else with what some servers write wrongly made right: NaN, a byte-order mark, bytes that are no UTF-8."""
    with suppress(ValueError, RecursionError):
        body.decode()
        decode(body, type=Raw)
        return body
    with suppress(ValueError, RecursionError):
        return json.dumps(json.loads(body.decode("utf-8-sig", "replace"), parse_constant=str)).encode()
    return body


def _described(body: bytes) -> tuple[str, Phrase]:
    text = body[:20_000].decode(errors="replace").strip()
    if not text:
        return "an empty body", Phrase("came.nothing")
    if text.startswith("<"):
        return f"a page ({said(body)})", Phrase("came.page", {"said": said(body)})
    begins = excerpt(text)
    return f"{len(body)} bytes beginning {begins!r}", Phrase("came.bytes", {"n": str(len(body)), "said": begins})
