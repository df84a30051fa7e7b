"""What a broken exchange means, in a person's words: never with a query, a header or a body in it."""

from __future__ import annotations

import ssl

import aiohttp

from margelle.errors import Unreachable
from margelle.phrase import Phrase

_SENTENCES: tuple[tuple[type[Exception], str, str], ...] = (  # a subclass before its parent
    (aiohttp.ClientHttpProxyError, "net.proxy_refused", "The proxy refused the way to {host} (status {status})."),
    (
        aiohttp.ClientProxyConnectionError,
        "net.proxy_away",
        "The proxy on the way to {host} cannot be reached ({reason}).",
    ),
    (aiohttp.ClientConnectorDNSError, "net.no_name", "The name {host} cannot be looked up."),
    (aiohttp.ClientConnectorError, "net.away", "{host} cannot be reached ({reason})."),
    (aiohttp.ClientConnectionError, "net.hung_up", "{host} closed the connection without an answer."),
    (aiohttp.ClientPayloadError, "net.cut", "The answer of {host} was cut short, or its parts do not fit together."),
    (
        aiohttp.ClientResponseError,
        "net.no_http",
        "What {host} answered is not HTTP: its headers are too large, or its parts do not fit together.",
    ),
)
_CLOCK_HINT = "Check this machine's clock and certificates, and the address."


def unreachable(error: Exception, host: str, timeout_s: float, connect_s: float) -> Unreachable:
    """`error`, raised by aiohttp while it asked `host`, which had `connect_s` to take the connection and `timeout_s` for all."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        what, phrase = f"{host} took no connection within {connect_s:g} s.", _phrase("no_connection", host, connect_s)
        return Unreachable(what, phrase=phrase)
    if isinstance(error, TimeoutError):
        what, phrase = (
            f"{host} did not answer, or not wholly, within {timeout_s:g} s.",
            _phrase("too_slow", host, timeout_s),
        )
        return Unreachable(what, phrase=phrase)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = _tls(error.certificate_error)
        phrase = Phrase("net.certificate", {"host": host, "why": why})
        return Unreachable(f"{host} did not prove who it is: {why}.", hint=_CLOCK_HINT, phrase=phrase)
    if isinstance(error, aiohttp.ClientSSLError):
        why = _tls(error.os_error)
        phrase = Phrase("net.tls", {"host": host, "why": why})
        what = f"There is no secure connection to {host}: {why}."
        return Unreachable(what, hint="Does it speak TLS on this port?", phrase=phrase)
    hint = "Check the name, and this machine's network." if isinstance(error, aiohttp.ClientConnectorDNSError) else ""
    what, phrase = _sentence(error, host)
    return Unreachable(what, hint=hint, phrase=phrase)


async def once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A middleware that keeps aiohttp from sending a GET or PUT again by itself, behind the budget's back, when the connection breaks."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(type(error).__name__) from error


def may_pass(error: Exception) -> bool:
    """Whether `error` comes of a connection that failed before any answer, so that another attempt may do better at once."""
    cause = error.__cause__
    connection = isinstance(cause, aiohttp.ClientConnectionError)
    return connection and not isinstance(cause, (aiohttp.ClientSSLError, TimeoutError))


def _phrase(name: str, host: str, seconds: float) -> Phrase:
    return Phrase(f"net.{name}", {"host": host, "seconds": f"{seconds:g}"})


def _sentence(error: Exception, host: str) -> tuple[str, Phrase]:
    for kind, name, sentence in _SENTENCES:
        if isinstance(error, kind):
            values = {"host": host, "reason": _reason(error), "status": str(getattr(error, "status", 0))}
            return sentence.format(**values), Phrase(name, {**values})
    what = type(error).__name__
    return f"The exchange with {host} failed ({what}).", Phrase("net.failed", {"host": host, "what": what})


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", error)
    return getattr(cause, "strerror", None) or type(cause).__name__


def _tls(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return type(error).__name__
