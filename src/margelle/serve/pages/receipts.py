"""A receipt: what a vendor's cloud really answered, without secrets, to be read and to be sent on with a report."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from starlette.responses import Response

from margelle.errors import Forbidden, NotFound
from margelle.phrase import Phrase
from margelle.ports import Receipt
from margelle.serve.pages.accounts import account_named, may_manage
from margelle.serve.pages.figures import clock_time, zone
from margelle.serve.pages.visit import Visit

MOST_LOOKED: Final = 400
"""Among so many of an account's newest receipts one is looked for; a page lists a hundred."""

MOST_SHOWN: Final = 200_000
"""Characters of a page; the file has all."""


async def receipt(visit: Visit) -> Response:
    """One receipt, as a page or, with `?file`, as a file."""
    account, sites = await account_named(visit, visit.request.path_params["account"])
    if not may_manage(visit, account, sites):
        raise Forbidden("Receipts are for whoever manages the account.", phrase=Phrase("may.receipts"))
    found = await _receipt(visit, account.id)
    if "file" in visit.request.query_params:
        return _file(found)
    text = _text(found)
    where = zone(visit.hall.look.time_zone)
    return visit.page(
        "receipt.html",
        account=account.id,
        title_of=visit.hall.titles.get(account.vendor, account.vendor),
        receipt=found,
        when=clock_time(found.at, where, visit.now, visit.words.language),
        text=text[:MOST_SHOWN],
        cut=len(text) > MOST_SHOWN,
    )


async def _receipt(visit: Visit, account: str) -> Receipt:
    try:
        at = datetime.fromisoformat(visit.request.path_params["at"].replace(" ", "+"))
    except ValueError:
        raise NotFound("There is no such receipt.") from None
    if at.tzinfo is None:
        raise NotFound("There is no such receipt.")
    for one in await visit.store.receipts(account, at, MOST_LOOKED):
        if one.at == at:
            return one
    raise NotFound("There is no such receipt, or it is no longer kept.")


def _text(receipt: Receipt) -> str:
    """The body as people read it: JSON on several lines."""
    try:
        return msgspec.json.format(receipt.body, indent=2).decode("utf-8", "replace")
    except msgspec.MsgspecError:
        return receipt.body.decode("utf-8", "replace")


def _file(receipt: Receipt) -> Response:
    """The body as it is kept. It is foreign: no browser is to make a page of it."""
    is_json = receipt.body.lstrip()[:1] in {b"{", b"["}
    name = f"{receipt.account}-{receipt.name}-{receipt.at:%Y%m%dT%H%M%S}.{'json' if is_json else 'txt'}"
    safe = "".join(letter if (letter.isalnum() and letter.isascii()) or letter in "-._" else "_" for letter in name)
    headers = {"content-disposition": f'attachment; filename="{safe}"', "x-content-type-options": "nosniff"}
    return Response(receipt.body, 200, headers, "application/json" if is_json else "text/plain; charset=utf-8")
