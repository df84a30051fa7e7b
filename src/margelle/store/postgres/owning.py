"""Which owner's accounts reach a site, or reached it: table link, and what guards it."""

from __future__ import annotations

from typing import Final

from margelle.domain.site import Account
from margelle.ports import Discovery
from margelle.store import rules
from margelle.store.postgres.asking import Transaction
from margelle.store.postgres.failure import Undone

LIVES: Final = "EXISTS (SELECT 1 FROM account WHERE account.id = link.account AND account.owner = link.owner)"
"""Whether a link's account is still there, and its owner's."""
_ACCOUNT: Final = "SELECT doc FROM account WHERE id = %s"
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


async def lock_owner(transaction: Transaction, owner: str) -> None:
    """Let nobody else change whose accounts are this owner's (an e-mail without case), nor what they reach, until the transaction ends."""
    await transaction.lock(_owner(owner))


async def locked_account(transaction: Transaction, account: str, *things: str, to: str | None = None) -> Account | None:
    """The account, if there is one, which nobody else changes until the transaction ends, nor what else its owner and the one it is given `to` reach.

    These `things` are locked with it, all at once. Raises Undone where it has just got another owner.
    """
    before = await transaction.doc(Account, _ACCOUNT, (account,))
    owners = {rules.email_key(one.owner) for one in (before,) if one} | ({to} if to is not None else set())
    await transaction.lock(f"account {account}", *map(_owner, owners), *things)
    known = await transaction.doc(Account, _ACCOUNT, (account,))
    if known is not None and rules.email_key(known.owner) not in owners:
        raise Undone(f"{transaction.name}: Another connection has just changed the owner of account {account}.")
    return known


async def lock_organisation(transaction: Transaction, organisation: str) -> None:
    """Let nobody else remove this organisation, nor give it accounts or members, until the transaction ends."""
    await transaction.lock(of_organisation(organisation))


def of_organisation(organisation: str) -> str:
    """The name of that lock."""
    return f"organisation {organisation}"


def _owner(owner: str) -> str:
    return f"owner {owner}"


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
