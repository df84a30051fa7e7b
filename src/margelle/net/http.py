"""Asking a cloud over HTTP: within the budget, with a receipt of every answer, and nothing said twice that must be said once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from margelle import __version__
from margelle.errors import BadInput, Limited, StoreError, Unreachable, wait_asked_s
from margelle.net.address import address, host_of, onward, proxy_of, same_house
from margelle.net.budget import Budget
from margelle.net.names import Names
from margelle.net.receipt import kept_body, secrets_in
from margelle.phrase import Phrase
from margelle.ports import Answer, Clock, Receipt, Request, Spending, Writer
from margelle.redaction import is_telling, redact

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 10.0
MOST_BODY_BYTES: Final = 8 * 1024 * 1024
MOST_REDIRECTS: Final = 5
RETRY_AFTER_S, _JITTER_S = 0.2, 0.3
"""How long after a connection that broke a GET is tried once more, and how much longer at most."""

PATIENCE_S: Final = 2.0
"""How long a request waits for its turn in the budget before it is refused."""

_LOG = logging.getLogger(__name__)
_HEADERS: Final = {
    "accept": "application/json",
    "accept-charset": "utf-8",
    "accept-encoding": "identity",
    "user-agent": f"Margelle/{__version__}",
}


class _Hop(Struct, frozen=True):
    """A request as it goes out, at first or after a redirect. Header names are in lower case."""

    name: str
    method: str
    url: str
    headers: dict[str, str]
    form: bytes | None
    secrets: tuple[str, ...]
    act: str = ""

    def after(self, answer: Answer) -> _Hop | None:
        """The request that a redirect asks for (RFC 9110, 15.4), or None. What is secret stays in the house it was meant for."""
        if answer.status not in {301, 302, 303, 307, 308} or "location" not in answer.headers:
            return None
        url = onward(self.url, answer.headers["location"])
        becomes_get = answer.status == 303 or (answer.status in {301, 302} and self.method == "POST")
        hop = self._as_get(url) if becomes_get else replace(self, url=url)
        if same_house(self.url, url):
            return hop
        if hop.form is not None:
            host = host_of(self.url)
            phrase = Phrase("net.form_onward", {"host": host})
            raise Unreachable(f"{host} wanted us to send a form on to another host; we did not.", phrase=phrase)
        return replace(hop, headers={name: value for name, value in hop.headers.items() if not is_telling(name)})

    def _as_get(self, url: str) -> _Hop:
        headers = {name: value for name, value in self.headers.items() if name != "content-type"}
        return replace(self, url=url, method="GET", form=None, headers=headers)


class CloudHttp:
    """Implements `ports.PacedHttp` for `account`.

    A connection must stand within `connect_s`, and the whole answer be there within `timeout_s`. `names` says how the cloud's name is looked up. Every request takes from `budget`, also a retry and each step of a redirect; a short wait for it is slept with `pause`. A GET whose
    connection broke before an answer is tried once more; nothing else ever is. An answer that `is_limit` pauses the budget, and teaches it.
    """

    def __init__(
        self,
        account: str,
        writer: Writer,
        budget: Budget,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        connect_s: float = CONNECT_TIMEOUT_S,
        max_body_bytes: int = MOST_BODY_BYTES,
        session: aiohttp.ClientSession | None = None,
        names: Names = Names(),  # noqa: B008 - frozen
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        is_limit: Callable[[Answer], bool] = lambda answer: answer.status == 429,
    ) -> None:
        self._account = account
        self._writer = writer
        self._budget = budget
        self._clock = clock
        self._timeout_s, self._connect_s = timeout_s, min(connect_s, timeout_s)
        self._max_body_bytes = max_body_bytes
        self._session = session
        self._names = names
        self._own_session = session is None
        self._pause = pause
        self._is_limit = is_limit

    async def ask(self, request: Request) -> Answer:
        """See `ports.Http`. Besides, raises BadInput where `request` cannot be sent, and StoreError where its budget cannot be kept."""
        hop = _hop(request)
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._tried(hop)
            onward_hop = hop.after(answer) if request.redirects else None
            if onward_hop is None:
                return answer
            hop = onward_hop
        phrase = Phrase("net.circles", {"host": host_of(hop.url), "n": str(MOST_REDIRECTS)})
        raise Unreachable(
            f"{host_of(hop.url)} sends us in circles: more than {MOST_REDIRECTS} redirects.", phrase=phrase
        )

    def spending(self, now: datetime) -> Spending:
        """See `ports.PacedHttp`."""
        return self._budget.spending(now)

    async def close(self) -> None:
        """Let go of the connections and of the budget."""
        if self._session is not None and self._own_session:
            await self._session.close()
        self._budget.close()

    async def _tried(self, hop: _Hop) -> Answer:
        """The answer, after a second attempt if the first connection broke and asking again changes nothing."""
        import stamina  # noqa: PLC0415 with aiohttp, a third of a second that a hub without accounts need not spend

        from margelle.net.failure import may_pass  # noqa: PLC0415

        attempts = 2 if hop.method == "GET" else 1
        stamina.instrumentation.set_on_retry_hooks(())  # it is said below, in a sentence
        async for attempt in stamina.retry_context(
            on=may_pass, attempts=attempts, timeout=None, wait_initial=RETRY_AFTER_S, wait_jitter=_JITTER_S
        ):
            with attempt:
                try:
                    return await self._once(hop)
                except Unreachable as failure:
                    if attempt.num < attempts and may_pass(failure):
                        most_s = RETRY_AFTER_S + _JITTER_S
                        _LOG.warning(
                            "%s: %s is asked once more, within %g s. %s", self._account, hop.name, most_s, failure
                        )
                    raise
        raise AssertionError("unreachable")  # pragma: no cover

    async def _once(self, hop: _Hop) -> Answer:
        await self._turn(hop)
        started = asyncio.get_running_loop().time()
        try:
            answer = await self._exchanged(hop)
        except Unreachable as failure:
            await self._keep(hop, started, 0, str(failure).encode())
            raise
        await self._keep(hop, started, answer.status, answer.body, answer.headers.get("location", ""))
        if self._is_limit(answer):
            wait_s = wait_asked_s(answer.headers.get("retry-after", ""), answer.at)
            self._budget.learn(Limited(f"{self._account}: {answer.status}", retry_after_s=wait_s), answer.at)
        return answer

    async def _turn(self, hop: _Hop) -> None:
        """Take from the budget, after a short wait if need be."""
        waited_s = 0.0
        while wait_s := self._budget.take(self._clock(), hop.act):
            if waited_s + wait_s > PATIENCE_S:
                what = f"The request budget of {self._account} is used up: {hop.name} must wait {_in_words(wait_s, self._clock())}."
                phrase = Phrase("net.budget", {"account": self._account, "minutes": str(max(1, round(wait_s / 60)))})
                raise Limited(what, retry_after_s=wait_s, phrase=phrase)
            wait_s = max(wait_s, 0.01)
            await self._pause(wait_s)
            waited_s += wait_s

    async def _exchanged(self, hop: _Hop) -> Answer:
        import aiohttp  # noqa: PLC0415

        from margelle.net.failure import unreachable  # noqa: PLC0415

        try:
            async with self._sent(hop) as response:
                body = await self._body(response, host_of(hop.url))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise unreachable(error, host_of(hop.url), self._timeout_s, self._connect_s) from error
        headers: dict[str, str] = {}
        for name, value in response.headers.items():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        self._names.demand_cloud(host_of(hop.url), headers.get("server", ""))
        return Answer(response.status, headers, body, self._clock())

    def _sent(self, hop: _Hop) -> aiohttp.client._RequestContextManager:
        from yarl import URL  # noqa: PLC0415

        from margelle.net.failure import once  # noqa: PLC0415

        proxy, proxy_headers = proxy_of(hop.url)
        return self._opened().request(
            hop.method,
            URL(hop.url, encoded=True),
            data=hop.form,
            headers=hop.headers if hop.url.startswith("https:") else hop.headers | proxy_headers,
            skip_auto_headers=("Content-Type",),
            allow_redirects=False,
            middlewares=(once,),
            proxy=proxy,
            proxy_headers=proxy_headers,
        )

    def _opened(self) -> aiohttp.ClientSession:
        """The session. No connection is used twice: one that has died meanwhile would cost a token post, which is never said again."""
        import aiohttp  # noqa: PLC0415

        if self._session is None:
            from margelle.net.resolver import CloudResolver  # noqa: PLC0415

            resolver = CloudResolver(self._names, self._timeout_s)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, resolver=resolver),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=timeouts(self._timeout_s, self._connect_s),
            )
        return self._session

    async def _body(self, response: aiohttp.ClientResponse, host: str) -> bytes:
        """The whole body, decoded if it came compressed after all; read no further than we would keep."""
        parts, length = [], response.content_length or 0
        if length <= self._max_body_bytes:
            length = 0
            async for part in response.content.iter_any():
                parts.append(part)
                if (length := length + len(part)) > self._max_body_bytes:
                    break
        if length > self._max_body_bytes:
            response.close()
            phrase = Phrase("net.too_long", {"host": host, "n": str(self._max_body_bytes)})
            raise Unreachable(
                f"The answer of {host} is longer than {self._max_body_bytes} bytes; it was not read.", phrase=phrase
            )
        return b"".join(parts)

    async def _keep(self, hop: _Hop, started: float, status: int, body: bytes, location: str = "") -> None:
        """Keep a receipt. Without one the answer is worth no less: a token in it must not be lost to a full disk."""
        duration_ms = round((asyncio.get_running_loop().time() - started) * 1000)
        _LOG.debug("%s: %s answered %d in %d ms", self._account, hop.name, status, duration_ms)
        receipt = Receipt(
            account=self._account,
            at=self._clock(),
            name=hop.name,
            url=redact(hop.url, hop.secrets),
            status=status,
            body=kept_body(body, hop.secrets, location=location),
            duration_ms=duration_ms,
        )
        try:
            await self._writer.keep_receipt(receipt)
        except StoreError as error:
            _LOG.warning("%s: no receipt of %s could be kept. %s", self._account, hop.name, error)


def timeouts(timeout_s: float, connect_s: float) -> aiohttp.ClientTimeout:
    """How long a whole exchange may take, and the network to connect: waiting for a free connection is no fault of the cloud's."""
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientTimeout(total=timeout_s, sock_connect=connect_s)


def _in_words(wait_s: float, now: datetime) -> str:
    """A wait as people say it; a long one with the time at which it ends."""
    if wait_s < 120:
        return f"{wait_s:.0f} s"
    minutes = round(wait_s / 60)
    about = f"{minutes} min" if minutes < 55 else "an hour" if minutes <= 65 else f"{minutes / 60:.0f} h"
    return f"about {about}, until {now + timedelta(seconds=wait_s):%H:%M} UTC"


def _hop(request: Request) -> _Hop:
    """`request` as it goes out. Raises BadInput where it cannot."""
    headers = _HEADERS | {name.lower(): value for name, value in request.headers.items()}
    form = None
    if request.form is not None:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
        form = _encoded(request)
    if any(not part.isprintable() or not part.isascii() for pair in headers.items() for part in pair):
        raise BadInput(f"A header of the request {request.name} holds characters that cannot be sent.")
    secrets = secrets_in(headers, request.query, request.form or ())
    url = address(request.url, request.query)
    return _Hop(request.name, request.method, url, headers, form, tuple(secrets), request.act)


def _encoded(request: Request) -> bytes:
    try:
        return urlencode(request.form or ()).encode()
    except UnicodeEncodeError:
        raise BadInput(f"The form of the request {request.name} holds characters that cannot be sent.") from None
