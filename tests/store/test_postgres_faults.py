"""Whatever happens to the server or the way to it: a clear error, nothing acknowledged lost, nothing half kept, and back without a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from margelle.config.loading import load
from margelle.errors import BadInput, ConfigError, StoreError
from margelle.ports import Added
from margelle.store import open_store
from margelle.store.postgres import PostgresStore, news
from margelle.store.postgres.address import Address
from margelle.store.vault import Vault
from tests.postgres import PASSWORD, Server
from tests.store.things import HOUR, NOW, account, discovery, grant, incident, point, receipt, user


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that these tests may stop."""
    server = Server.begun()
    yield server
    server.remove()


@pytest.fixture
def elsewhere(own: Server) -> str:
    """The URL of a database there."""
    own.start()
    return own.create("elsewhere")


@pytest.fixture
async def there(elsewhere: str, vault: Vault) -> AsyncIterator[PostgresStore]:
    """A store in it, with a measurement, that is not patient."""
    store = PostgresStore(elsewhere, vault, patience_s=3)
    await store.add([point()], NOW)
    yield store
    await store.close()


async def back(store: PostgresStore) -> None:
    """Until the store has found its server again."""
    async with asyncio.timeout(60):
        while True:
            try:
                await store.count()
            except StoreError:
                await asyncio.sleep(0.02)
            else:
                return


def sessions(server: Server, name: str) -> list[int]:
    """The server's processes for our connections to a database."""
    sql = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'margelle'"
    return [int(str(pid)) for (pid,) in server.run(sql)]


def hang_up(server: Server, name: str) -> None:
    for pid in sessions(server, name):
        server.run(f"SELECT pg_terminate_backend({pid}, 5000)")


# --- the server goes away --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_a_server_that_is_started_again_is_used_again(own: Server, there: PostgresStore, how: str) -> None:
    before = await there.version()
    await asyncio.to_thread(own.stop, how)
    asked = (there.count(), there.add([point(at=NOW + HOUR)], NOW), there.put_user(user()))
    for refusal in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(refusal, StoreError)
        assert "no connection" in str(refusal)
        assert refusal.retryable
    await asyncio.to_thread(own.start)
    await back(there)
    assert await there.add([point(at=NOW + HOUR)], NOW) == Added(new=1)
    assert await there.history(point().probe, "ph") == [point(), point(at=NOW + HOUR)]
    assert await there.version() != before
    assert await there.users() == []


async def test_while_the_server_is_away_its_health_is_told_at_once(own: Server, there: PostgresStore) -> None:
    await asyncio.to_thread(own.stop)
    with pytest.raises(StoreError, match="no connection"):
        async with asyncio.timeout(60):
            while await there.version():  # noqa: ASYNC110 - until it is noticed
                await asyncio.sleep(0)
    await asyncio.to_thread(own.start)
    await back(there)


async def test_lost_connections_are_replaced_without_anybody_noticing(own: Server, there: PostgresStore) -> None:
    for n in range(5):
        hang_up(own, "elsewhere")
        assert await there.add([point(at=NOW + (n + 1) * HOUR)], NOW) == Added(new=1)
        assert await there.count() == n + 2


async def test_a_transaction_cut_in_the_middle_keeps_nothing_and_is_made_again(
    own: Server, there: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from margelle.store.postgres import probes

    put_rest = probes._put_rest
    cuts: list[Any] = []

    async def cut_once(*args: Any) -> None:
        await put_rest(*args)
        if not cuts:
            cuts.append(own.run("SELECT count(*) FROM piece", "elsewhere"))
            hang_up(own, "elsewhere")

    monkeypatch.setattr(probes, "_put_rest", cut_once)
    assert await there.add([point(at=NOW + HOUR)], NOW) == Added(new=1)
    assert cuts == [[(1,)]], "what was not committed was not seen by others"
    assert await there.history(point().probe, "ph") == [point(), point(at=NOW + HOUR)]
    assert [found.faults async for found in there.inspect()][-1] == ()


async def test_of_a_connection_lost_while_committing_it_is_said_that_nobody_knows(
    own: Server, there: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = psycopg.AsyncConnection.execute

    async def lose(connection: Any, sql: Any, *args: Any, **more: Any) -> Any:
        result = await execute(connection, sql, *args, **more)
        if sql == "COMMIT":
            await connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.AsyncConnection, "execute", lose)
        with pytest.raises(StoreError, match="is not known") as caught:
            await there.add([point(at=NOW + HOUR)], NOW)
    assert caught.value.retryable
    assert await there.add([point(at=NOW + HOUR)], NOW) == Added(same=1), "to do it again is safe"


async def test_a_cut_connection_between_the_servers_of_a_cluster_is_told_as_one(
    own: Server, there: PostgresStore
) -> None:
    """Citus has no code for it but that of an internal error: what it says beside is made up here by a function's name."""
    said = "server closed the connection unexpectedly\\n\\tThis probably means more."
    own.run(
        f"""CREATE FUNCTION "while executing command on db1.example.org:5432"() RETURNS void LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION E'{said}' USING ERRCODE = 'XX000'; END$$""",
        "elsewhere",
    )
    cut = 'SELECT "while executing command on db1.example.org:5432"()'
    with pytest.raises(StoreError, match="A server of the cluster is away: server closed the connection") as caught:
        await there._db.read(cut)
    assert caught.value.retryable
    with pytest.raises(StoreError, match="A server of the cluster is away") as caught:
        async with there._db.writing() as transaction:
            await transaction.read(cut)
    assert caught.value.retryable
    with pytest.raises(StoreError, match="no connection to the server: postmaster was shut down") as caught:
        await there._db.read(
            "DO $$BEGIN RAISE EXCEPTION 'postmaster was shut down, exiting' USING ERRCODE = 'XX000'; END$$"
        )
    assert caught.value.retryable
    with pytest.raises(StoreError, match="PostgreSQL says: other"):
        await there._db.read("DO $$BEGIN RAISE EXCEPTION 'other' USING ERRCODE = 'XX000'; END$$")


async def test_a_task_that_is_cancelled_in_a_transaction_leaves_nothing_behind(there: PostgresStore) -> None:
    for n in range(20):
        task = asyncio.create_task(there.put_discovery("home", discovery(*range(1, 30)), NOW))
        await asyncio.sleep(n / 4000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await there.sites() == []
    await there.put_account(account())
    await there.put_discovery("home", discovery(1), NOW)
    assert len(await there.sites()) == 1


# --- read only, full, slow -------------------------------------------------------------------------------------------


async def test_a_standby_answers_and_refuses_to_keep(own: Server, elsewhere: str, vault: Vault) -> None:
    store = PostgresStore(elsewhere, vault)
    await store.add([point()], NOW)
    await store.close()
    own.run("ALTER DATABASE elsewhere SET default_transaction_read_only = on")
    store = PostgresStore(elsewhere, vault)
    assert await store.history(point().probe, "ph") == [point()]
    for keeping in (store.add([point(at=NOW + HOUR)], NOW), store.put_user(user()), store.take_grant("d1")):
        with pytest.raises(StoreError, match="standby") as caught:
            await keeping
        assert caught.value.retryable
        assert "primary" in caught.value.hint
    own.run("ALTER DATABASE elsewhere SET default_transaction_read_only = off")
    hang_up(own, "elsewhere")
    await back(store)
    assert await store.add([point(at=NOW + HOUR)], NOW) == Added(new=1)
    await store.close()


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary with a database `hub`, and its standby, without which it acknowledges nothing."""
    primary = Server.begun()
    primary.create("hub")
    follower = primary.standby()
    primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.run("SELECT pg_reload_conf()")
    yield primary, follower
    follower.remove()
    primary.remove()


async def test_a_failover_to_a_streaming_standby_loses_nothing_acknowledged(
    pair: tuple[Server, Server], vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A primary with a synchronous standby crashes while a hub writes; the hub, which knows both hosts, goes on with the other."""
    monkeypatch.setattr(news, "LOOK_S", 0.1)
    primary, follower = pair
    both = f"{primary.socket},{follower.socket}"
    hub = PostgresStore(primary.url("hub", host=both, target_session_attrs="read-write"), vault, patience_s=1)
    reader = PostgresStore(follower.url("hub"), vault, patience_s=1)
    await hub.add([point()], NOW)

    await back(reader)
    before = await reader.version()
    await hub.add([point(at=NOW + HOUR)], NOW)
    async with asyncio.timeout(60):
        while await reader.version() == before or await reader.count() < 2:  # noqa: ASYNC110 - until it is followed
            await asyncio.sleep(0.02)
    assert await reader.history(point().probe, "ph") == [point(), point(at=NOW + HOUR)]
    with pytest.raises(StoreError, match="standby"):
        await reader.add([point(at=NOW + 2 * HOUR)], NOW)

    acknowledged = 2
    crash = asyncio.create_task(asyncio.to_thread(primary.stop, "immediate"))
    with pytest.raises(StoreError) as caught:
        while True:
            await hub.add([point(at=NOW + acknowledged * HOUR)], NOW)
            acknowledged += 1
    assert caught.value.retryable
    await crash
    await asyncio.to_thread(follower.promote)
    await back(hub)
    kept = await hub.history(point().probe, "ph")
    assert kept in [[point(at=NOW + n * HOUR) for n in range(count)] for count in (acknowledged, acknowledged + 1)]
    assert (await hub.add([point(at=NOW + 900 * HOUR)], NOW)).new == 1
    assert [found.faults async for found in hub.inspect()][-1] == ()
    for store in (hub, reader):
        await store.close()


async def test_a_thing_that_is_locked_for_too_long_can_be_tried_again(own: Server, there: PostgresStore) -> None:
    with psycopg.connect(own.url("elsewhere")) as other:
        other.execute("LOCK TABLE memo")
        with pytest.raises(StoreError, match="Another program") as caught:
            await there.put_memo("a", b"1")
        assert caught.value.retryable
    await there.put_memo("a", b"1")
    assert await there.memo("a") == b"1"


async def test_when_all_connections_are_busy_it_is_said_so(own: Server, elsewhere: str, vault: Vault) -> None:
    store = PostgresStore(elsewhere, vault, patience_s=0.2, connections=1)
    await store.count()
    async with store._db.reading():
        with pytest.raises(StoreError, match="No connection has become free") as caught:
            await store.count()
        assert caught.value.retryable
    assert await store.count() == 0
    await store.close()


async def test_a_user_without_rights_is_told_what_is_missing(own: Server, elsewhere: str, vault: Vault) -> None:
    await migrated(elsewhere, vault)
    own.run("DROP ROLE IF EXISTS guest")
    own.run("CREATE ROLE guest LOGIN")
    store = PostgresStore(own.url("elsewhere", "guest"), vault)
    with pytest.raises(StoreError, match="may not do that") as caught:
        await store.count()
    assert "own the database" in caught.value.hint
    await store.close()
    own.drop("elsewhere")
    own.run("DROP ROLE guest")


async def migrated(url: str, vault: Vault) -> None:
    store = PostgresStore(url, vault)
    await store.count()
    await store.close()


async def test_a_closed_store_says_so(elsewhere: str, vault: Vault) -> None:
    store = PostgresStore(elsewhere, vault)
    await store.count()
    await store.close()
    await store.close()
    for asked in (store.count(), store.version(), store.add([point()], NOW)):
        with pytest.raises(StoreError, match="closed"):
            await asked


async def test_text_that_postgresql_cannot_keep_is_refused_and_nothing_is_kept(there: PostgresStore) -> None:
    with pytest.raises(BadInput, match="Unicode"):
        await there.history("\ud800", "ph")
    for text, said in (("\ud800", "Unicode"), ("a\0b", r"U\+0000")):
        for keeping in (
            there.put_memo(text, b""),
            there.add([point(probe=text)], NOW),
            there.put_grant(grant(text)),
            there.note_incident(incident(account=text)),
        ):
            with pytest.raises(BadInput, match=said):
                await keeping
    assert await there.count() == 1


async def test_a_null_character_within_a_document_is_kept(there: PostgresStore) -> None:
    await there.put_user(user(firstname="a\0b"))
    assert [one.firstname for one in await there.users()] == ["a\0b"]
    await there.add([point(raw="7\0", at=NOW + HOUR, origin="a\0b")], NOW)
    assert (await there.history(point().probe, "ph"))[-1].raw == "7\0"


async def test_others_use_the_store_while_much_is_pruned(there: PostgresStore) -> None:
    for n in range(30):
        await there.keep_receipt(receipt(NOW - (1000 + n) * HOUR))
    await asyncio.gather(there.prune(NOW, receipts_days=30), there.add([point(at=NOW + HOUR)], NOW))
    assert await there.receipts("home") == []
    assert await there.count() == 2


# --- the address -----------------------------------------------------------------------------------------------------

NOWHERE = "postgresql://hub:{}@127.0.0.1:1/m"


def test_an_address_is_named_without_login_and_password() -> None:
    address = Address.of(NOWHERE.format(PASSWORD))
    assert address.name == "postgresql://127.0.0.1:1/m"
    assert PASSWORD in address.conninfo
    assert PASSWORD not in repr(address)
    assert Address.of("postgresql://a,b/m?target_session_attrs=read-write").name == "postgresql://a,b/m"
    assert Address.of("postgresql:///m?host=/run/postgresql").name == "postgresql:///run/postgresql/m"


@pytest.mark.parametrize("password", ["s3cr3t@p", "s3cr3t/p", "s3cr3t?p", "s3cr3t#p", "s3cr3t%p", "12/s3cr3t"])
def test_a_password_that_is_not_quoted_is_refused_without_telling_it(password: str, vault: Vault) -> None:
    try:
        store = open_store(NOWHERE.format(password), vault)
    except ConfigError as error:
        assert "s3cr3t" not in str(error)
        assert "%40" in error.hint
    else:
        assert isinstance(store, PostgresStore)
        assert "s3cr3t" not in store._db.name


async def test_a_server_that_is_not_there_is_told_without_the_password(
    vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = PostgresStore(NOWHERE.format(PASSWORD), vault)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/m: There is no connection") as caught:
        await store.count()
    assert "setting store" in caught.value.hint
    assert PASSWORD not in f"{caught.value}{caplog.text}{store._db!r}"
    await store.close()


async def test_a_wrong_password_and_a_missing_database_are_told_without_the_password(
    own: Server, elsewhere: str, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for url, said in (
        (own.url("nowhere", password=PASSWORD), 'database "nowhere" does not exist'),
        (own.url("elsewhere", "nobody", PASSWORD), 'role "nobody" does not exist'),
    ):
        store = PostgresStore(url, vault)
        with pytest.raises(StoreError, match=said) as caught:
            await store.count()
        assert PASSWORD not in f"{caught.value}{caplog.text}"
        await store.close()


def test_the_settings_do_not_show_the_password() -> None:
    for url in (NOWHERE.format(PASSWORD), f"postgresql:///m?host=/run&user=hub&password={PASSWORD}"):
        found = load(None, {"HOME": "/home/anna", "MARGELLE_STORE": url}, {})
        assert found.store_url == url
        assert PASSWORD not in found.shown("store") + repr(found)


def test_what_is_missing_is_said_with_how_to_install_it(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg_pool", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        open_store("postgresql:///m", vault)
    assert "margelle[postgres]" in caught.value.hint
