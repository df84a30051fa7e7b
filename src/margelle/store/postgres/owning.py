"""Which owner's accounts reach a site, or reached it: table link, and what guards it."""

from __future__ import annotations

from typing import Final

from margelle.domain.site import Account
from margelle.ports import Discovery
from margelle.store import rules
from margelle.store.postgres.asking import Transaction

LIVES: Final = "EXISTS (SELECT 1 FROM account WHERE account.id = link.account AND account.owner = link.owner)"
"""Whether a link's account is still there, and its owner's."""
_MAKE_WAY: Final = """
DELETE FROM link AS other USING link AS theirs WHERE theirs.owner = %(before)s AND other.owner = %(after)s AND theirs.owner <> other.owner
AND other.account = theirs.account AND other.site = theirs.site AND (%(account)s::text IS NULL OR theirs.account = %(account)s)
"""
_HAND_OVER: Final = """
UPDATE link SET owner = %(after)s WHERE owner = %(before)s AND (%(account)s::text IS NULL OR account = %(account)s)
"""
_GONE: Final = "UPDATE link SET gone_at = coalesce(gone_at, %(now)s) WHERE account = %(account)s AND owner = %(owner)s"
_REACH: Final = """
INSERT INTO link SELECT %(account)s, %(owner)s, unnest(%(sites)s::text[]), NULL
ON CONFLICT (account, owner, site) DO UPDATE SET gone_at = NULL
"""
_TAKE_OVER: Final = f"""
DELETE FROM link WHERE owner = %(owner)s AND NOT {LIVES}
AND site IN (SELECT site FROM link WHERE account = %(account)s AND owner = %(owner)s)
"""  # noqa: S608 - of constants only


async def lock(transaction: Transaction, *owners: str) -> None:
    """Let nobody else change whose accounts are these owners' (e-mails without case), nor what they reach, until the transaction ends."""
    await transaction.lock(*(f"owner {owner}" for owner in owners))


async def lock_organisation(transaction: Transaction, *organisations: str) -> None:
    """Let nobody else remove these organisations, nor give them accounts or members, until the transaction ends."""
    await transaction.lock(*(f"organisation {organisation}" for organisation in organisations))


async def hand_over(transaction: Transaction, before: str, after: str, account: str | None = None) -> None:
    """What `before` sees through that account, or through all, is seen by `after` from now on."""
    those = {"before": before, "after": after, "account": account}
    await transaction.run(_MAKE_WAY, those)
    await transaction.run(_HAND_OVER, those)


async def reach(transaction: Transaction, account: Account, discovery: Discovery, now_us: int) -> None:
    """Keep which sites the account reaches; it takes over from its owner's removed accounts, so that theirs do not hide a vanishing."""
    sites = list(dict.fromkeys(site.id for site in discovery.sites))
    here = {"account": account.id, "owner": rules.email_key(account.owner), "now": now_us, "sites": sites}
    if discovery.complete:
        await transaction.run(_GONE, here)
    await transaction.run(_REACH, here)
    await transaction.run(_TAKE_OVER, here)
