"""What stands behind the water on the first page: how collecting goes, and where apps find their vendor's face."""

from __future__ import annotations

from msgspec import Struct

from margelle.domain.site import Account
from margelle.ports import Incident
from margelle.serve.pages.figures import ago
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Saying, Words


class Trouble(Struct, frozen=True):
    """An incident that lasts; `urgent` where it needs somebody here."""

    what: Saying
    todo: str
    times: str
    urgent: bool


class AccountView(Struct, frozen=True):
    """How collecting from one account goes."""

    title: str
    login: str
    last: str
    troubles: tuple[Trouble, ...]


class Face(Struct, frozen=True):
    """Where clients of a vendor find its face."""

    title: str
    url: str


async def accounts(visit: Visit) -> list[AccountView]:
    """The accounts of whoever looks; nothing is collected for sites of their own."""
    seen = await visit.store.accounts(visit.seen_by)
    return [await _account(visit, account) for account in seen if not account.is_own]


def faces(visit: Visit) -> list[Face]:
    """The faces of this hub."""
    base = visit.hall.address(visit.request)
    return [Face(title, f"{base}/{name}") for name, title in visit.hall.titles.items()]


async def _account(visit: Visit, account: Account) -> AccountView:
    words = visit.words
    answers = [
        receipt.at for receipt in await visit.store.receipts(account.id, limit=50) if 200 <= receipt.status < 300
    ]
    last = answers[0] if answers else account.discovered_at
    return AccountView(
        visit.hall.titles.get(account.vendor, account.vendor),
        account.login if visit.seen_by is not None else "",
        words("collected", ago=ago(last, visit.now, words)) if last else words("not_collected"),
        tuple(
            _trouble(words, one) for one in await visit.store.incidents(account.id, open_only=True) if not one.is_note
        ),
    )


def _trouble(words: Words, incident: Incident) -> Trouble:
    times = words.count("times", incident.count) if incident.count > 1 else ""
    return Trouble(words.said(incident.sentence), words.todo(incident.kind, incident.todo), times, incident.needs_user)
