"""The doors between the rooms: what each room may ask of another, and nothing more.

Every method that touches the outside is a coroutine. Instants are aware and in UTC; the caller gives `now`, nobody asks a clock but
through `Clock`. Failures are raised as `margelle.errors`.
"""

from __future__ import annotations

from margelle.ports.face import Actions, Desk, FaceContext, Quota
from margelle.ports.http import Answer, Clock, Http, PacedHttp, Request, Spending, Spent, Token, Tokens
from margelle.ports.record import (
    Added,
    AuditEntry,
    Folded,
    Gap,
    GapState,
    Grant,
    GrantKind,
    Incident,
    Inspected,
    Receipt,
)
from margelle.ports.source import (
    AdviceSource,
    Batch,
    BriefedSource,
    Connector,
    Discovery,
    Fault,
    HistorySource,
    LongMemorySource,
    MappedSource,
    ParameterSink,
    Source,
    SwitchSource,
    Window,
)
from margelle.ports.store import Reader, Store, Writer
from margelle.ports.vendor import Display, Nearby, Rate, Setting, Vendor

__all__ = [
    "Actions",
    "Added",
    "AdviceSource",
    "Answer",
    "AuditEntry",
    "Batch",
    "BriefedSource",
    "Clock",
    "Connector",
    "Desk",
    "Discovery",
    "Display",
    "FaceContext",
    "Fault",
    "Folded",
    "Gap",
    "GapState",
    "Grant",
    "GrantKind",
    "HistorySource",
    "Http",
    "Incident",
    "Inspected",
    "LongMemorySource",
    "MappedSource",
    "Nearby",
    "PacedHttp",
    "ParameterSink",
    "Quota",
    "Rate",
    "Reader",
    "Receipt",
    "Request",
    "Setting",
    "Source",
    "Spending",
    "Spent",
    "Store",
    "SwitchSource",
    "Token",
    "Tokens",
    "Vendor",
    "Window",
    "Writer",
]
