from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from starlette.types import Receive, Scope, Send

from margelle.serve.gate import Gate


async def _forever() -> Any:
    await asyncio.Event().wait()


async def test_a_request_that_the_ending_server_gives_up_is_answered_and_not_raised() -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    sent = await _given_up(reads)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 503
    assert b"ending" in sent[1]["body"]


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def begins(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()

    assert [message["status"] for message in await _given_up(begins)] == [200]


async def _given_up(app: Any) -> list[Any]:
    """What is sent when the server cancels a request that waits for its body."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/slow", "raw_path": b"/slow", "headers": []}
    serving = asyncio.create_task(Gate(app)(scope, _forever, send))
    await asyncio.sleep(0)
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    assert not serving.cancelled()
    return sent
