"""The clouds in a thread of their own: tests may be asynchronous or not, and use any client."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import uvicorn

from margelle.errors import BadInput
from margelle.serve.sign_in import FaceDesk
from margelle.simulate.clouds import Clouds
from margelle.simulate.faults import Entry, Faults, Log
from margelle.simulate.people import NEIGHBOUR, OWNER, SEED, people
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS

PAST: Final = timedelta(days=3)
_PATIENCE_S: Final = 60

Pause = Callable[[float], Awaitable[None]]


class MovedClock:
    """The world's clock, or one that stands at `start`; both can be moved forward."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start
        self._moved = timedelta()

    def __call__(self) -> datetime:
        """What it shows now."""
        return (self._start or datetime.now(UTC)) + self._moved

    def move(self, by: timedelta) -> None:
        """Move it forward. Raises BadInput for a step back."""
        if by < timedelta():
            raise BadInput("The clouds' clock does not go back.")
        self._moved += by


class Sky:
    """Clouds that run. `login` has several pools, `neighbour` sees one of them and has one; both have the same `password`. `faults` chooses what befalls requests."""

    def __init__(
        self,
        start: datetime | None,
        past: timedelta,
        seed: str,
        *,
        quotas: bool,
        pause: Pause,
        settings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        for vendor, own in settings.items():
            _check(vendor, own)
        self.login: str = OWNER
        self.neighbour: str = NEIGHBOUR
        self.password: str = secrets.token_urlsafe(9)
        self.faults = Faults(seed)
        self.url = ""
        self._log = Log()
        self._clock = MovedClock(start)
        self._store = MemoryStore()
        self._made = Clouds(
            self._store, list(VENDORS.values()), self._clock, seed=seed, users=people(self.password), past=past
        )
        app = self._made.app(settings, quotas=quotas, faults=self.faults, log=self._log, pause=pause)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()  # nothing fails any more

    @property
    def log(self) -> list[Entry]:
        """What was asked and told, the oldest first."""
        return self._log.entries()

    @property
    def now(self) -> datetime:
        """By the clouds' clock."""
        return self._clock()

    def base_url(self, vendor: str) -> str:
        """Where a vendor's cloud is: what stands for `https://interop.ondilo.com`. Raises BadInput."""
        _check(vendor)
        return f"{self.url}/{vendor}"

    def access_token(self, vendor: str, login: str = "", *, life: timedelta = timedelta(hours=1)) -> str:
        """A bearer token of Ondilo's or Flipr's cloud, for tests that are not about signing in; good for `life`. Raises BadInput."""
        _check(vendor)
        desk = FaceDesk(vendor, self._store, self._clock)
        issued = desk.issue("access", login or self.login, life_s=life.total_seconds())
        return asyncio.run_coroutine_threadsafe(issued, self._loop).result(_PATIENCE_S)

    def advance(self, by: timedelta) -> None:
        """Move the clouds' clock forward, and let their probes measure until then."""
        self._clock.move(by)
        asyncio.run_coroutine_threadsafe(self._made.advance(), self._loop).result(_PATIENCE_S)

    def reset(self) -> None:
        """No fault, no script and an empty log, as at the beginning. The clock stays."""
        self.faults.clear()
        self._log.clear()

    @contextmanager
    def running(self) -> Iterator[Sky]:
        """Runs while the block lasts."""
        with socket.create_server(("127.0.0.1", 0)) as door:  # who knocks early waits in its queue
            self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
            thread = threading.Thread(target=self._run, args=(door,), name="margelle clouds", daemon=True)
            thread.start()
            try:
                asyncio.run_coroutine_threadsafe(self._made.start(), self._loop).result(_PATIENCE_S)
                yield self
            finally:
                self._server.should_exit = True
                thread.join(_PATIENCE_S)

    def _run(self, door: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve(sockets=[door]))


def _check(vendor: str, settings: Mapping[str, Any] | None = None) -> None:
    """Raises BadInput for a vendor or a face's setting that there is not."""
    if vendor not in VENDORS:
        raise BadInput(f"There is no vendor {vendor!r}.", hint=f"There is {', '.join(VENDORS)}.")
    known = [setting.name.removeprefix(f"{vendor}.") for setting in VENDORS[vendor].settings]
    for name in settings or ():
        if name not in known:
            raise BadInput(f"{vendor} has no setting {name!r}.", hint=f"It has {', '.join(known)}.")


@contextmanager
def clouds(
    *,
    now: datetime | None = None,
    past: timedelta = PAST,
    seed: str = SEED,
    quotas: bool = False,
    pause: Pause = asyncio.sleep,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[Sky]:
    """Clouds on a free port of 127.0.0.1, while the block lasts.

    With `now` (aware) their clock stands there until `advance`; without, it is the world's. They know the time `past` before. `quotas` are
    enforced as documented, if wanted. `pause` lets seconds pass for slow answers, on the clouds' own event loop. `settings` are
    those of the vendors' faces, by vendor: `{"ondilo": {"types_default": "empty"}}`. Raises BadInput and ConfigError.
    """
    with Sky(now, past, seed, quotas=quotas, pause=pause, settings=settings or {}).running() as sky:
        yield sky
