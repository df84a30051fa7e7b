from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from margelle.cli import server
from margelle.cli.lock import held, is_held
from margelle.errors import ConfigError, Conflict, StoreError


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
