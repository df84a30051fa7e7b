"""What is odd about an answer that came: parts of it that could not be read, and values that we doubt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from margelle.collect.failure import incident
from margelle.collect.plan import Ask
from margelle.domain.measurement import Measurement
from margelle.phrase import Phrase
from margelle.ports import Batch, Fault, Incident


def odd(account: str, ask: Ask, batch: Batch, kept: Sequence[Measurement], now: datetime) -> list[Incident]:
    """What is odd about the answer to `ask`, of which these measurements were kept."""
    return unreadable(account, ask.where, batch.faults, now) + doubtful(account, ask.subject, kept, now)


def unreadable(account: str, where: str, faults: Sequence[Fault], now: datetime) -> list[Incident]:
    """That parts of an answer could not be read."""
    if not faults:
        return []
    what = f"{len(faults)} parts of the answer could not be read and were left out, first {said(faults[0])}"
    phrase = Phrase("cloud.parts", {"n": str(len(faults)), "first": said(faults[0])})
    return [incident(account, where, "unreadable", what, now, phrase=phrase)]


def doubtful(account: str, probe: str, kept: Sequence[Measurement], now: datetime) -> list[Incident]:
    """Values that we doubt ourselves, one incident a probe; what a vendor excludes, or nobody has calibrated, is so every day."""
    found = [(one, doubt) for one in kept for doubt in one.doubts if doubt.kind not in {"vendor", "uncalibrated"}]
    if not found:
        return []
    one, doubt = found[0]
    many = "1 value is kept with a doubt:" if len(found) == 1 else f"{len(found)} values are kept with a doubt, such as"
    what = f"{many} {one.quantity} {one.raw!r} of {one.at:%Y-%m-%d %H:%M} UTC: {doubt.reason}."
    phrase = Phrase(
        "doubtful.one" if len(found) == 1 else "doubtful.many",
        {
            "n": str(len(found)),
            "what": Phrase(f"quantity.{one.quantity}"),
            "raw": one.raw,
            "at": f"{one.at:%Y-%m-%d %H:%M} UTC",
        },
    )
    return [incident(account, probe, "doubtful", what, now, phrase=phrase)]


def said(fault: Fault) -> str:
    """A fault, as it is told."""
    return f"{fault.where}: {fault.what}"
