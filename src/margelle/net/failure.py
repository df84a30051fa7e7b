"""What a broken exchange means, in a person's words: never with a query, a header or a body in it."""

from __future__ import annotations

import ssl

import aiohttp

from margelle.errors import Unreachable

_SENTENCES: tuple[tuple[type[Exception], str], ...] = (  # a subclass before its parent
    (aiohttp.ClientHttpProxyError, "The proxy refused the way to {host} (status {status})."),
    (aiohttp.ClientProxyConnectionError, "The proxy on the way to {host} cannot be reached ({reason})."),
    (aiohttp.ClientConnectorDNSError, "The name {host} cannot be looked up."),
    (aiohttp.ClientConnectorError, "{host} cannot be reached ({reason})."),
    (aiohttp.ClientConnectionError, "{host} closed the connection without an answer."),
    (aiohttp.ClientPayloadError, "The answer of {host} was cut short, or its parts do not fit together."),
    (
        aiohttp.ClientResponseError,
        "What {host} answered is not HTTP: its headers are too large, or its parts do not fit together.",
    ),
)
_CLOCK_HINT = "Check this machine's clock and certificates, and the address."


def unreachable(error: Exception, host: str, timeout_s: float, connect_s: float) -> Unreachable:
    """`error`, raised by aiohttp while it asked `host`, which had `connect_s` to take the connection and `timeout_s` for all."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Unreachable(f"{host} took no connection within {connect_s:g} s.")
    if isinstance(error, TimeoutError):
        return Unreachable(f"{host} did not answer, or not wholly, within {timeout_s:g} s.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Unreachable(f"{host} did not prove who it is: {_tls(error.certificate_error)}.", hint=_CLOCK_HINT)
    if isinstance(error, aiohttp.ClientSSLError):
        return Unreachable(
            f"There is no secure connection to {host}: {_tls(error.os_error)}.", hint="Does it speak TLS on this port?"
        )
    hint = "Check the name, and this machine's network." if isinstance(error, aiohttp.ClientConnectorDNSError) else ""
    return Unreachable(_sentence(error, host), hint=hint)


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


def _sentence(error: Exception, host: str) -> str:
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return sentence.format(host=host, reason=_reason(error), status=getattr(error, "status", 0))
    return f"The exchange with {host} failed ({type(error).__name__})."


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", error)
    return getattr(cause, "strerror", None) or type(cause).__name__


def _tls(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return type(error).__name__
