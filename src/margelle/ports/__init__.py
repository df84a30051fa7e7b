"""The doors between the rooms: what each room may ask of another, and nothing more.

Every method that touches the outside is a coroutine. Instants are aware and in UTC; the caller gives `now`, nobody asks a clock but
through `Clock`. Failures are raised as `margelle.errors`.
"""

from __future__ import annotations

from margelle.domain.gap import Gap, GapState
from margelle.ports.collection import AccountReport, Act, Budget, Collection, Filling, Next, Past, Reports
from margelle.ports.connection import Connected, Connections, Meanings
from margelle.ports.face import Actions, Desk, FaceContext, Quota
from margelle.ports.http import Answer, Clock, Http, PacedHttp, Request, Spending, Spent, Token, Tokens
from margelle.ports.hub import Backstage, Demo, InForce, Installation, Premises
from margelle.ports.record import Added, AuditEntry, Folded, Grant, GrantKind, Incident, Inspected, Receipt
from margelle.ports.siblings import NoSiblings, Siblings
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
from margelle.ports.store import Mark, Reader, Store, Writer
from margelle.ports.vendor import (
    Client,
    Display,
    Family,
    Mapped,
    Naming,
    Nearby,
    Parameter,
    Rate,
    Setting,
    Suggestion,
    Vendor,
)

__all__ = [
    "AccountReport",
    "Act",
    "Actions",
    "Added",
    "AdviceSource",
    "Answer",
    "AuditEntry",
    "Backstage",
    "Batch",
    "BriefedSource",
    "Budget",
    "Client",
    "Clock",
    "Collection",
    "Connected",
    "Connections",
    "Connector",
    "Demo",
    "Desk",
    "Discovery",
    "Display",
    "FaceContext",
    "Family",
    "Fault",
    "Filling",
    "Folded",
    "Gap",
    "GapState",
    "Grant",
    "GrantKind",
    "HistorySource",
    "Http",
    "InForce",
    "Incident",
    "Inspected",
    "Installation",
    "LongMemorySource",
    "Mapped",
    "MappedSource",
    "Mark",
    "Meanings",
    "Naming",
    "Nearby",
    "Next",
    "NoSiblings",
    "PacedHttp",
    "Parameter",
    "ParameterSink",
    "Past",
    "Premises",
    "Quota",
    "Rate",
    "Reader",
    "Receipt",
    "Reports",
    "Request",
    "Setting",
    "Siblings",
    "Source",
    "Spending",
    "Spent",
    "Store",
    "Suggestion",
    "SwitchSource",
    "Token",
    "Tokens",
    "Vendor",
    "Window",
    "Writer",
]
