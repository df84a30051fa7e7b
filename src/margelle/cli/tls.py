"""`margelle tls`: the hub's own certificate authority, for clients that know no other host than the vendor's."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from margelle.cli.terminal import JsonOption, invocation, note, say, say_json, utc_now
from margelle.errors import MargelleError

if TYPE_CHECKING:
    import ssl

    from margelle.config import Settings
    from margelle.ports import Clock
    from margelle.serve.keyring import Keyring

app = typer.Typer(
    help="Certificates for the vendors' hosts. For clients that cannot be told another address.", no_args_is_help=True
)

_log = logging.getLogger("margelle.cli")
_RENEWED_EVERY: Final = timedelta(hours=12)
_LOOKED_AT_S: Final = 60.0
"""So often it is looked whether the file is another one: whoever has renewed it, every process of a hub then shows it."""

_TRUST: Final = """\
A client trusts the hub when it trusts {file}:
  Python (requests)    REQUESTS_CA_BUNDLE={file}
  Python (ssl, httpx)  SSL_CERT_FILE={file}
  Node.js              NODE_EXTRA_CA_CERTS={file}
  Java                 keytool -importcert -cacerts -alias margelle -file {file}
  Debian, Ubuntu       sudo cp {file} /usr/local/share/ca-certificates/margelle.crt && sudo update-ca-certificates
The first two replace what that program trusts otherwise. Compare the fingerprint when you copy the file.
Each vendor's host must lead to the hub there, on port 443: docs/clients/ says how, for each client."""


@app.command(epilog="Example: margelle tls init --name pool.home.arpa --name 192.168.1.10")
def init(
    context: typer.Context,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Another name or address of this hub, besides the vendors' hosts. May be repeated."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Make a new one where there is one; clients must trust it anew.")
    ] = False,
) -> None:
    """Make an authority and a certificate.

    The authority can vouch for the vendors' hosts, this machine and the names given, and for nothing else: clients that heed its limits (all but Java) believe nobody else who has its key.
    """
    import socket

    settings = invocation(context).settings()
    keyring = keyring_of(settings)
    keyring.create((*vendor_hosts(), *(name or ())), f"Margelle on {socket.gethostname()}", utc_now(), replace=replace)
    _tell(keyring)


@app.command(epilog="Example: margelle tls show --json")
def show(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the certificates, and how to trust them."""
    keyring = keyring_of(invocation(context).settings())
    if as_json:
        say_json(_told(keyring))
    else:
        _tell(keyring)


@app.command(epilog="Example: margelle tls renew")
def renew(context: typer.Context) -> None:
    """Renew the server's certificate now.

    A running hub does so by itself, 60 days before the end. Clients need not do anything.
    """
    keyring = keyring_of(invocation(context).settings())
    keyring.renew(utc_now())
    say(
        f"Renewed until {keyring.server_certificate().not_valid_after_utc:%Y-%m-%d}. A running hub shows it within a minute."
    )


def keyring_of(settings: Settings) -> Keyring:
    """The folder of certificates that `settings` name."""
    from margelle.serve.keyring import Keyring

    return Keyring(settings.tls_dir)


def vendor_hosts() -> tuple[str, ...]:
    """The hosts of the vendors' clouds."""
    from margelle.vendors import VENDORS

    return tuple(vendor.host for vendor in VENDORS.values())


class Certificate:
    """The certificate of a running hub: read at its start and when it is another one; and renewed, by one of its processes."""

    def __init__(self, keyring: Keyring, clock: Clock, *, renews: bool = True) -> None:
        from margelle.serve.keyring import server_context

        self._keyring, self._clock, self._renews = keyring, clock, renews
        self.context: ssl.SSLContext = server_context()
        self._refreshed_at = clock()
        self._loaded = 0
        self.refresh()

    def refresh(self) -> None:
        """Renew it if it ends soon; show what is in the folder, whoever renewed it.

        Raises ConfigError and StoreError where there is none that is good; while there is, a failed renewal is only told.
        """
        now = self._refreshed_at = self._clock()
        try:
            if self._renews and self._keyring.freshen(now):
                note("The certificate was renewed.")
        except MargelleError as error:
            if not self._keyring.good(now):
                raise
            _log.warning("The certificate ends soon and cannot be renewed: %s", error)
        self._loaded = self._keyring.written()
        self._keyring.load(self.context)

    async def keep(self, stop: asyncio.Event) -> None:
        """Look at the file every minute, and twice a day whether it ends soon, until `stop`. A failure is told, and the old one goes on."""
        while not await _waited(stop, _LOOKED_AT_S):
            if self._keyring.written() == self._loaded and self._clock() - self._refreshed_at < _RENEWED_EVERY:
                continue
            try:
                self.refresh()
            except MargelleError as error:
                _log.warning("The certificate cannot be renewed: %s", error)


async def _waited(stop: asyncio.Event, seconds: float) -> bool:
    """Whether `stop` was set within `seconds`."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _told(keyring: Keyring) -> dict[str, Any]:
    from margelle.serve.authority import fingerprint, hosts_of

    authority, server = keyring.authority_certificate(), keyring.server_certificate()
    names = [str(one) for one in hosts_of(authority)]
    return {
        "authority": str(keyring.authority_file),
        "authority_key": str(keyring.authority_key_file),
        "authority_fingerprint": fingerprint(authority),
        "authority_ends_at": authority.not_valid_after_utc,
        "server": str(keyring.server_file),
        "server_fingerprint": fingerprint(server),
        "server_ends_at": server.not_valid_after_utc,
        "server_renewed_at": keyring.renewed_at(server, authority),
        "names": names,
        "missing": [one for one in vendor_hosts() if one not in names],
    }


def _tell(keyring: Keyring) -> None:
    told = _told(keyring)
    say(f"Authority:    {told['authority']}  until {told['authority_ends_at']:%Y-%m-%d}")
    say(f"  SHA-256     {told['authority_fingerprint']}")
    say(f"  its key     {told['authority_key']}  (keep it to yourself)")
    say(
        f"Certificate:  {told['server']}  until {told['server_ends_at']:%Y-%m-%d}, renewed from {told['server_renewed_at']:%Y-%m-%d} on"
    )
    say(f"  SHA-256     {told['server_fingerprint']}")
    say(f"For:          {', '.join(told['names'])}")
    if told["missing"]:
        say(f"Not for:      {', '.join(told['missing'])}; `margelle tls init --replace` makes one that is.")
    say()
    say(_TRUST.format(file=told["authority"]))
