"""The control API of the clouds, under `/clouds`. It has no secret to keep, and no login: keep it on loopback."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from margelle.errors import BadInput, NotFound
from margelle.simulate.faults.fault import Fault
from margelle.simulate.faults.faults import Choice, Faults
from margelle.simulate.faults.log import Log

T = TypeVar("T")

Script = dict[str, list[str]]
_DONE: Final = 204


class Control:
    """Answers for one imitation of clouds."""

    def __init__(self, faults: Faults, log: Log) -> None:
        self._faults, self._log = faults, log

    def routes(self) -> list[Route]:
        """The routes, each method of its own."""
        table = (
            ("GET", "/clouds/faults", self._list),
            ("DELETE", "/clouds/faults", self._clear),
            ("GET", "/clouds/faults/{name}", self._one),
            ("PUT", "/clouds/faults/{name}", self._choose),
            ("DELETE", "/clouds/faults/{name}", self._end),
            ("GET", "/clouds/script", self._scripts),
            ("PUT", "/clouds/script", self._script),
            ("DELETE", "/clouds/script", self._unscript),
            ("GET", "/clouds/log", self._entries),
            ("DELETE", "/clouds/log", self._forget),
        )
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]

    async def _list(self, _: Request) -> Response:
        return _json([self._shown(fault) for fault in self._faults.catalogue])

    async def _one(self, request: Request) -> Response:
        return _json(self._shown(self._named(request)))

    async def _choose(self, request: Request) -> Response:
        fault = self._named(request)
        self._faults.put(fault.name, _decoded(await request.body() or b"{}", Choice))
        return _json(self._shown(fault))

    async def _end(self, request: Request) -> Response:
        self._faults.end(self._named(request).name)
        return Response(status_code=_DONE)

    async def _clear(self, _: Request) -> Response:
        self._faults.clear()
        return Response(status_code=_DONE)

    async def _scripts(self, _: Request) -> Response:
        return _json(self._faults.scripts)

    async def _script(self, request: Request) -> Response:
        script = _decoded(await request.body(), Script)
        before = dict(self._faults.scripts)
        try:
            for operation, names in script.items():
                self._faults.script(operation, names)
        except BadInput:  # all of it or nothing
            self._faults.unscript()
            for operation, left in before.items():
                self._faults.script(operation, left)
            raise
        return _json(self._faults.scripts)

    async def _unscript(self, _: Request) -> Response:
        self._faults.unscript()
        return Response(status_code=_DONE)

    async def _entries(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            raise BadInput(f"`after` is the number of an entry, not {after[:40]!r}.")
        return _json(self._log.entries(int(after)))

    async def _forget(self, _: Request) -> Response:
        self._log.clear()
        return Response(status_code=_DONE)

    def _named(self, request: Request) -> Fault:
        try:
            return self._faults.fault(request.path_params["name"])
        except BadInput as error:
            raise NotFound(error.what, hint="GET /clouds/faults lists them all.") from error

    def _shown(self, fault: Fault) -> dict[str, Any]:
        choice = self._faults.chosen.get(fault.name)
        return {
            "name": fault.name,
            "what": fault.what,
            "seen": fault.seen,
            "operations": fault.operations,
            "chosen": choice,
        }


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The request's body cannot be read: {error}.") from error


def _json(said: Any) -> Response:
    return Response(msgspec.json.format(msgspec.json.encode(said)), media_type="application/json")
