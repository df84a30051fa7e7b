from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from margelle.cli import server, systemd
from margelle.cli.lock import held, is_held
from margelle.errors import ConfigError, Conflict, StoreError
from margelle.serve.readiness import Readiness


def test_any_free_port_is_told() -> None:
    with server.bind("127.0.0.1", 0) as bound:
        assert server.url_of(bound) == f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_a_port_in_use_is_a_conflict_that_proposes_another() -> None:
    with server.bind("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(Conflict) as caught:
            server.bind("127.0.0.1", port)
    assert f"--port {port + 1} " in caught.value.hint


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        server.bind("192.0.2.1", 0)


def test_every_address_of_this_machine_is_shown_as_one_that_works() -> None:
    with server.bind("0.0.0.0", 0) as bound:
        assert server.url_of(bound).startswith("http://127.0.0.1:")


async def test_a_signal_stops_and_work_under_way_is_cancelled() -> None:
    with server.stopped_by_signals() as stop:
        working = asyncio.create_task(server.until(stop, asyncio.Event().wait()))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await working is False
        assert stop.is_set()


async def test_work_that_ends_before_a_stop_is_done() -> None:
    assert await server.until(asyncio.Event(), asyncio.sleep(0)) is True


async def test_an_error_in_the_work_is_raised() -> None:
    async def failing() -> None:
        raise ConfigError("no")

    with pytest.raises(ConfigError):
        await server.until(asyncio.Event(), failing())


async def test_a_stopped_server_lets_go_of_its_port() -> None:
    async def app(scope: object, receive: object, send: object) -> None: ...

    bound, stop = server.bind("127.0.0.1", 0), asyncio.Event()
    port = bound.getsockname()[1]
    stop.set()
    await server.serve(app, bound, stop)
    with closing(socket.create_server(("127.0.0.1", port), reuse_port=False)):
        pass


async def test_a_server_ends_when_what_runs_beside_it_fails() -> None:
    async def app(scope: object, receive: object, send: object) -> None: ...

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(app, server.bind("127.0.0.1", 0), asyncio.Event()))
            await asyncio.sleep(0)
            raise ConfigError("no")
    assert caught.group_contains(ConfigError)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_lock_is_held_by_one_and_free_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.lock"
    busy = pytest.raises(Conflict, match=rf"Busy \(process {os.getpid()}\)\.")
    with held(file, "Busy", "Wait."), busy, held(file, "Busy", "Wait."):
        pass
    with held(file, "Busy", "Wait."):
        assert is_held(file)
    assert not is_held(file)
    assert not is_held(tmp_path / "none")


def test_a_lock_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file is no folder"), held(tmp_path / "file" / "a.lock", "Busy", "Wait."):
        pass
    (tmp_path / "a.lock").mkdir()
    with pytest.raises(StoreError, match="cannot be written"), held(tmp_path / "a.lock", "Busy", "Wait."):
        pass


async def _hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_what_comes_on_a_kept_connection_as_the_server_ends_is_answered_as_the_last_request() -> None:
    bound, stop = server.bind("127.0.0.1", 0), asyncio.Event()
    port = bound.getsockname()[1]
    readiness = Readiness()
    serving = asyncio.create_task(server.serve(_hello, bound, stop, readiness=readiness, grace_s=10))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    writer.write(request)
    assert b"connection: close" not in await reader.readuntil(b"hello")
    closed = asyncio.Event()
    readiness.at_close(closed.set)
    stop.set()
    await closed.wait()
    with suppress(ConnectionRefusedError):
        for _ in range(1000):  # until nothing is accepted any more
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
    writer.write(request)
    assert b"connection: close" in await reader.readuntil(b"hello")
    assert await reader.read() == b""
    writer.close()
    await serving


async def test_what_has_come_before_nothing_more_is_accepted_is_answered() -> None:
    bound, stop = server.bind("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(server.serve(_hello, bound, stop, grace_s=10))
    await asyncio.sleep(0)
    clients = []
    for _ in range(20):
        client = socket.create_connection(("127.0.0.1", bound.getsockname()[1]))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        clients.append(client)
    stop.set()
    await serving
    for client in clients:
        with closing(client):
            assert client.recv(1000).endswith(b"hello")


def test_systemd_hears_when_we_are_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        systemd.notify("READY=1")
        assert manager.recv(100) == b"READY=1"
    monkeypatch.delenv("NOTIFY_SOCKET")
    systemd.notify("STOPPING=1")
