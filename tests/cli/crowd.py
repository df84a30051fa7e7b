"""Clients that ask a hub all the time, and remember what went wrong."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from tests.cli.conftest import PATIENCE_S


class Crowd:
    """So many clients, each of which asks again as soon as it is answered: one half on connections that are kept, the other each time on a new one.

    With a `context` they speak TLS. A client that is refused a connection goes home, if the hub is `leaving`; whatever else is no answer of 200 is a failure.
    """

    def __init__(
        self,
        port: int,
        path: str,
        headers: Mapping[str, str] | None = None,
        clients: int = 6,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.failures: list[str] = []
        self.answered = 0
        self._port, self._path, self._headers, self._context = port, path, dict(headers or {}), context
        self._changed = threading.Condition()
        self._stopped = self._leaving = False
        self._threads = [threading.Thread(target=self._ask, args=(n % 2 == 0,), daemon=True) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def more(self, n: int) -> None:
        """Wait until so many more requests were answered."""
        with self._changed:
            wanted = self.answered + n
            assert self._changed.wait_for(lambda: self.answered >= wanted, PATIENCE_S), self.failures

    def leaving(self) -> None:
        """From now on the hub may be gone."""
        self._leaving = True

    def ended(self) -> None:
        """Wait until all clients have gone home."""
        for thread in self._threads:
            thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Have them go home, and wait for it."""
        self._stopped = True
        self.ended()

    def _ask(self, kept: bool) -> None:
        connection = (
            HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
            if self._context is None
            else HTTPSConnection("127.0.0.1", self._port, timeout=PATIENCE_S, context=self._context)
        )
        while not self._stopped:
            try:
                connection.connect() if connection.sock is None else None
            except ConnectionRefusedError as error:
                if not self._leaving:
                    self._note(f"{error!r}")
                return
            try:
                connection.request("GET", self._path, headers=self._headers)
                answer = connection.getresponse()
                body = answer.read()
                self._note("" if answer.status == 200 else f"{answer.status} {body[:200]!r}")
            except (OSError, HTTPException) as error:
                self._note(f"{'kept' if kept else 'new'} connection: {error!r}")
                connection.close()
            if not kept:
                connection.close()
        connection.close()

    def _note(self, failure: str) -> None:
        with self._changed:
            if failure:
                self.failures.append(failure)
            else:
                self.answered += 1
            self._changed.notify_all()
