"""A cluster for tests: a coordinator and two workers with Citus on this machine, or a database that MARGELLE_TEST_CITUS names.

Citus is in no Debian package and in no wheel: where it is not installed beside a PostgreSQL of this machine, what needs it is left out.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

GIVEN: Final = "MARGELLE_TEST_CITUS"
"""The URL of a database on a coordinator, in which everything is removed."""
MISSING: Final = f"Citus is not here (built and installed beside PostgreSQL, or {GIVEN}=postgresql://…)"
NODES: Final = 3
_USER: Final = "postgres"
_SETTINGS: Final = """
port = {port}
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_preload_libraries = 'citus'
shared_buffers = 64MB
max_connections = 300
max_worker_processes = 64
max_prepared_transactions = 300
wal_level = logical
logging_collector = off
log_min_messages = error
citus.shard_count = 8
citus.node_conninfo = 'sslmode=prefer'
citus.enable_statistics_collection = off
"""
QUICK: Final = "fsync = off\nfull_page_writes = off\n"
"""It need not survive a power cut: what is tested is us."""


def programs() -> Path | None:
    """The folder of a PostgreSQL's programs that has Citus."""
    names = [*map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_config")), shutil.which("pg_config")]
    for name in filter(None, names):
        asked = subprocess.run([name, "--pkglibdir", "--bindir"], capture_output=True, text=True, check=True)
        library, programs = map(Path, asked.stdout.split())
        if (library / "citus.so").is_file():
            return programs
    return None


class Cluster:
    """Node 0 is the coordinator, without shards; `more` are lines of each node's configuration. What is added later has the next number."""

    def __init__(self, programs: Path, more: str = QUICK) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="margelle-citus-"))
        self._programs = programs
        self._user = _USER if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._more = more
        self.ports: list[int] = []
        words = ("-U", _USER, "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync")
        self._do("initdb", "-D", str(self._unused), *words)
        for _ in range(NODES):
            self.start(self.add())

    def add(self) -> int:
        """The number of one more server, which is empty and not started."""
        self._do("cp", "-r", str(self._unused), str(self._data(len(self.ports))))
        return self._numbered()

    def follow(self, node: int) -> int:
        """The number of a standby, which runs and has all that its node acknowledges from now on."""
        words = ("-h", "127.0.0.1", "-p", str(self.ports[node]), "-U", _USER, "-R", "-c", "fast", "--no-sync")
        self._do("pg_basebackup", "-D", str(self._data(len(self.ports))), *words)
        standby = self._numbered()
        self.start(standby)
        self.set(node, "synchronous_standby_names", "'*'")
        while not self.run("postgres", "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'", node):
            time.sleep(0.05)
        return standby

    def promote(self, standby: int) -> None:
        """Make a standby a server of its own."""
        self._do("pg_ctl", "-w", "-D", str(self._data(standby)), "promote")

    def instead(self, name: str, node: int, other: int) -> None:
        """Have the cluster ask another server than a node that was a worker."""
        self.run(
            name,
            f"""SELECT citus_update_node(nodeid, '127.0.0.1', {self.ports[other]})
            FROM pg_dist_node WHERE nodeport = {self.ports[node]}""",
        )

    def create(self, name: str, *, workers: int = NODES - 1) -> str:
        """The URL of a new database, which so many workers share."""
        for node in range(NODES):
            self._prepare(name, node)
        self.run(name, f"SELECT citus_set_coordinator_host('127.0.0.1', {self.ports[0]})")
        for node in range(1, 1 + workers):
            self._let_in(name, node)
        return self.url(name)

    def join(self, name: str, node: int) -> None:
        """Make a server that was added a worker, without a shard yet."""
        self._prepare(name, node)
        self._let_in(name, node)

    def _prepare(self, name: str, node: int) -> None:
        self.run("postgres", f"CREATE DATABASE {name}", node)
        self.run(name, "CREATE EXTENSION citus", node)

    def _let_in(self, name: str, node: int) -> None:
        self.run(name, f"SELECT citus_add_node('127.0.0.1', {self.ports[node]})")

    def url(self, name: str, node: int = 0) -> str:
        """Of a database as this node has it."""
        return f"postgresql://{_USER}@127.0.0.1:{self.ports[node]}/{name}"

    def run(self, name: str, statement: str, node: int = 0) -> list[tuple[object, ...]]:
        """What a statement returns there."""
        return run(self.url(name, node), statement)

    def set(self, node: int, name: str, value: str) -> None:
        """Change a setting of a node, for new connections."""
        self.run("postgres", f"ALTER SYSTEM SET {name} = {value}", node)
        self.run("postgres", "SELECT pg_reload_conf()", node)

    def node_of(self, name: str, probe: str) -> int:
        """Which node has a probe."""
        found = self.run(
            name,
            f"""SELECT nodeport FROM pg_dist_placement JOIN pg_dist_node USING (groupid)
            WHERE shardid = get_shard_id_for_distribution_column('head', '{probe}')""",
        )
        return self.ports.index(int(str(found[0][0])))

    def start(self, node: int) -> None:
        """Start a node."""
        log = self.folder / f"{node}.log"
        self._do("pg_ctl", "-w", "-D", str(self._data(node)), "-l", str(log), "start")

    def stop(self, node: int, how: str = "immediate") -> None:
        """Stop it: `fast` hangs up on everybody, `immediate` is a crash."""
        self._do("pg_ctl", "-w", "-D", str(self._data(node)), "stop", "-m", how)

    def pid(self, node: int) -> int:
        """The first process of a node that runs."""
        return int((self._data(node) / "postmaster.pid").read_text().split()[0])

    def remove(self) -> None:
        """Stop all nodes and remove what they keep."""
        for node in range(len(self.ports)):
            with suppress(subprocess.CalledProcessError):  # it is stopped already
                self.stop(node)
        shutil.rmtree(self.folder)

    @property
    def _unused(self) -> Path:
        return self.folder / "unused"

    def _data(self, node: int) -> Path:
        return self.folder / str(node)

    def _numbered(self) -> int:
        """The number of the server whose data are in the next folder, with a port of its own."""
        node, port = len(self.ports), free_port()
        with (self._data(node) / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(port=port) + self._more)
        self.ports.append(port)
        return node

    def _do(self, program: str, *words: str) -> None:
        subprocess.run(
            [program, *words],
            env={"PATH": f"{self._programs}:/usr/bin:/bin"},
            check=True,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def move(self, name: str, probe: str, node: int) -> None:
        """Bring a probe, with all that is in the same shards, to another node, while it is written."""
        source, target = self.ports[self.node_of(name, probe)], self.ports[node]
        self.run(
            name,
            f"""SELECT citus_move_shard_placement(get_shard_id_for_distribution_column('head', '{probe}'),
            '127.0.0.1', {source}, '127.0.0.1', {target}, 'force_logical')""",
        )


def begun(more: str = QUICK) -> Cluster:
    """A cluster of one's own. What asks for it is left out where Citus is not installed."""
    found = programs()
    if found is None:
        pytest.skip(MISSING)
    return Cluster(found, more)


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    """What a statement returns, said on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def clear(url: str) -> None:
    """Remove every table of a database, wherever its rows are."""
    tables = run(url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    for (table,) in tables:
        run(url, sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(str(table))).as_string())


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
