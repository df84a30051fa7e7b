"""One account's token: kept as a secret of the store, renewed in good time, once, and never lost."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from margelle.errors import Limited, Malformed, Refused, Unavailable, Unreachable
from margelle.phrase import Phrase
from margelle.ports import Clock, Store, Token

Renew = Callable[[Token], Awaitable[Token]]

MARGIN_S = 300
PATIENCE_S = 60.0
"""How long an early renewal that failed is left alone, while the old token still lives."""
LONGEST_S = 3600.0
"""No cloud makes us leave it alone for longer."""


class _Kept(msgspec.Struct, frozen=True):
    """The secret `<account>/token`. `kept_at` is when it came."""

    access: str
    refresh: str
    expires_at: datetime | None
    kept_at: datetime

    def renewable_at(self, margin_s: float) -> datetime | None:
        """When to renew: a margin before it expires, or the last quarter of a short life."""
        if self.expires_at is None:
            return None
        life = max(self.expires_at - self.kept_at, timedelta(0))
        return self.expires_at - min(timedelta(seconds=margin_s), life / 4)

    @property
    def digest(self) -> bytes:
        """Stands for this token where the token itself must not."""
        return hashlib.sha256(f"{self.access}\n{self.refresh}".encode()).hexdigest().encode()


class TokenKeeper:
    """Implements `ports.Tokens` for `account`, over the store's secret `<account>/token`.

    Whoever needs a token asks `access`; of many who ask at once one renews it. A refused renewal is noted in the store (memo `<account>/token`,
    a digest), so that neither other callers nor a restart ask the cloud again before a new token is kept, by this process or another.
    """

    def __init__(self, account: str, store: Store, clock: Clock, *, margin_s: float = MARGIN_S) -> None:
        self._account = account
        self._name = f"{account}/token"
        self._store = store
        self._clock = clock
        self._margin_s = margin_s
        self._rejected = ""
        self._rejected_at = datetime.min.replace(tzinfo=UTC)
        self._unsaved: tuple[_Kept, _Kept] | None = None  # what was renewed, and what came of it
        self._early_again_at: datetime | None = None
        self._renewal: asyncio.Task[_Kept] | None = None

    async def access(self, renew: Renew) -> str:
        """See `ports.Tokens`. Besides, raises what `renew` raises, unless the old token is still good, and StoreError."""
        kept = await self._kept()
        if not self._due(kept):
            return kept.access
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renewed(renew), name=f"renew {self._name}")
            self._renewal.add_done_callback(_seen)
        # A caller that is cancelled must not tear a renewal apart: the cloud may have given the new token already.
        return (await asyncio.shield(self._renewal)).access

    async def reject(self, access: str) -> None:
        """See `ports.Tokens`; a token that was replaced meanwhile is no matter."""
        self._rejected, self._rejected_at = access, self._clock()

    async def keep(self, token: Token) -> None:
        """See `ports.Tokens`. It replaces the old one wholly, as it comes from a new sign-in."""
        self._unsaved = None
        self._early_again_at = None
        await self._save(self._dated(token))
        await self._store.put_memo(self._name, b"")  # where the token is a password, it may be good again
        self._rejected = ""

    async def close(self) -> None:
        """Wait until a renewal that is under way has been kept."""
        if self._renewal is not None and not self._renewal.done():
            await asyncio.wait({self._renewal})

    async def _kept(self) -> _Kept:
        """The token as the store has it now: another process may have renewed it."""
        kept, unsaved = await self._stored(), self._unsaved
        if unsaved is None or unsaved[0] != kept:  # the latter after a sign-in elsewhere
            return kept
        await self._save(unsaved[1])
        return unsaved[1]

    async def _stored(self) -> _Kept:
        secret = await self._store.secret(self._name)
        if secret is None:
            raise self._refused("has no token")
        try:
            return msgspec.json.decode(secret, type=_Kept)
        except msgspec.DecodeError:
            raise self._refused("has a token that cannot be read") from None

    def _due(self, kept: _Kept) -> bool:
        if self._is_rejected(kept):
            return True
        at = kept.renewable_at(self._margin_s)
        now = self._clock()
        if at is None or now < at:
            return False
        return not (self._lives(kept) and self._early_again_at is not None and now < self._early_again_at)

    def _is_rejected(self, kept: _Kept) -> bool:
        """Whether the cloud refused it, since it was kept: a password that is entered once more is another token."""
        return kept.access == self._rejected and kept.kept_at <= self._rejected_at

    def _lives(self, kept: _Kept) -> bool:
        return not self._is_rejected(kept) and (kept.expires_at is None or self._clock() < kept.expires_at)

    async def _renewed(self, renew: Renew) -> _Kept:
        """The token after a renewal, which is not asked for if somebody else has done it, or if it was refused before."""
        kept = await self._kept()
        if not self._due(kept):
            return kept
        if await self._store.memo(self._name) == kept.digest:
            raise self._refused("was refused a new token")
        try:
            token = await renew(Token(kept.access, kept.refresh, kept.expires_at))
        except Refused as refusal:
            return await self._after_refusal(kept, refusal)
        except (Limited, Unavailable, Unreachable, Malformed) as failure:
            return self._after_failure(kept, failure)
        return await self._take(kept, token)

    async def _take(self, old: _Kept, token: Token) -> _Kept:
        """Keep what the cloud gave for `old`; before anybody uses it, it is on disk."""
        if not token.access:
            raise Malformed(
                f"The cloud renewed the token of {self._account} with an empty one.", phrase=Phrase("token.empty")
            )
        self._early_again_at = None
        if (now := await self._kept()) != old:
            return now  # a sign-in, or another process, was quicker
        new = self._dated(replace(token, refresh=token.refresh or old.refresh))
        self._unsaved = old, new
        await self._save(new)
        self._rejected = ""  # even if it is the same one: the cloud has just vouched for it
        return new

    async def _after_refusal(self, kept: _Kept, refusal: Refused) -> _Kept:
        """Another process may have used up the refresh token, and kept its successor; else the user must sign in."""
        if (now := await self._kept()) != kept and not self._due(now):
            return now
        await self._store.put_memo(self._name, kept.digest)
        raise refusal

    def _after_failure(self, kept: _Kept, failure: Limited | Unavailable | Unreachable | Malformed) -> _Kept:
        if not self._lives(kept):
            raise failure
        self._early_again_at = self._clock() + timedelta(seconds=min(failure.retry_after_s or PATIENCE_S, LONGEST_S))
        return kept

    def _dated(self, token: Token) -> _Kept:
        return _Kept(token.access, token.refresh, token.expires_at, self._clock())

    async def _save(self, kept: _Kept) -> None:
        await self._store.put_secret(self._name, msgspec.json.encode(kept))
        self._unsaved = None

    def _refused(self, what: str) -> Refused:
        phrase = Phrase("token.none", {"account": self._account})
        return Refused(f"The account {self._account} {what}.", hint="Sign in again.", phrase=phrase)


def _seen(renewal: asyncio.Task[_Kept]) -> None:
    """Its error is known to whoever waited; if nobody did, nobody wants it."""
    if not renewal.cancelled():
        renewal.exception()
