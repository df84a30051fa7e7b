"""A hub in several processes that speak TLS."""

from __future__ import annotations

import signal
import socket
import ssl
from pathlib import Path

from tests.cli.conftest import Margelle, Start
from tests.cli.crowd import Crowd


def trusting(authority: Path) -> ssl.SSLContext:
    """Whoever this authority vouches for, whatever the name."""
    context = ssl.create_default_context(cafile=str(authority))
    context.check_hostname = False
    return context


def shown(port: int, context: ssl.SSLContext) -> bytes:
    """The certificate that is shown to a new connection."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="pool.home.arpa") as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def test_new_workers_show_the_renewed_certificate_and_no_request_is_lost(
    margelle: Margelle, start: Start, tmp_path: Path
) -> None:
    assert margelle("tls", "init", "--name", "pool.home.arpa").code == 0
    context = trusting(tmp_path / ".local/share/margelle/tls/ca.pem")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = start("serve", "--port", "0", "--tls-port", str(port), "--workers", "2", "--no-collect")
    running.until(r"TLS:\s+https://")
    crowd = Crowd(port, "/healthz", context=context)
    crowd.more(100)
    before = shown(port, context)
    assert margelle("tls", "renew").code == 0
    running.process.send_signal(signal.SIGHUP)
    running.until("All workers are new")
    crowd.more(100)
    assert before not in {shown(port, context) for _ in range(20)}
    crowd.more(100)
    crowd.leaving()
    assert running.end(signal.SIGTERM, 30) == 0
    crowd.ended()
    assert crowd.failures == []
    assert "Traceback" not in running.text
