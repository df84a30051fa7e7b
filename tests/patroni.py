"""Patroni over a cluster with Citus, for one trial: a coordinator and two workers of two members each, and etcd, all on this machine.

It runs where programs named `patroni` and `etcd` are found, and Citus is.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests import citus

GROUPS: Final = 3
MEMBERS: Final = "ab"
DATABASE: Final = "margelle"
_USER: Final = "postgres"
_DYNAMIC: Final = {
    "ttl": 20,
    "loop_wait": 1,
    "retry_timeout": 3,
    "synchronous_mode": True,
    "postgresql": {
        "parameters": {
            "shared_buffers": "64MB",
            "max_connections": 200,
            "citus.shard_count": 8,
            "citus.node_conninfo": "sslmode=prefer",
            "citus.recover_2pc_interval": "1s",
        }
    },
}
"""20 seconds are the least that Patroni waits for a member that is silent. Not `synchronous_mode_strict`: of two members one is left."""


class Patroni:
    """All of its processes, which run until `remove`."""

    def __init__(self, programs: Path, patroni: str, etcd: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="margelle-patroni-"))
        self._programs = programs
        self._user = _USER if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        names = [f"{group}{member}" for group in range(GROUPS) for member in MEMBERS]
        self.ports, self._rest = ({name: citus.free_port() for name in names} for _ in range(2))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._start(names, patroni, etcd)
        except BaseException:
            self.remove()
            raise

    def _start(self, names: Sequence[str], patroni: str, etcd: str) -> None:
        client, peer = citus.free_port(), citus.free_port()
        self._processes["etcd"] = self._begin("etcd", _etcd(etcd, self.folder / "etcd", client, peer))
        for name in names:
            file = self.folder / f"{name}.yml"
            file.write_text(json.dumps(self._settings(name, client)))  # JSON is YAML
            self._processes[name] = self._begin(name, [patroni, str(file)])
            _until(lambda name=name: self._is(name, "health"))  # type: ignore[misc]

    @property
    def url(self) -> str:
        """The database's, at whichever member of the coordinator can be written."""
        hosts = ",".join(f"127.0.0.1:{self.ports[f'0{member}']}" for member in MEMBERS)
        return f"postgresql://{_USER}@{hosts}/{DATABASE}?target_session_attrs=read-write"

    def settled(self) -> None:
        """Wait until all servers are known to the coordinator, and each has a standby that has all that is acknowledged."""
        for group in range(GROUPS):
            _until(lambda group=group: any(self._is(f"{group}{member}", "sync") for member in MEMBERS))  # type: ignore[misc]
        _until(lambda: len(self.nodes()) == GROUPS)

    def nodes(self) -> dict[int, int]:
        """The port by which the coordinator knows each group."""
        asked = "SELECT groupid, nodeport FROM pg_dist_node WHERE noderole = 'primary'"
        return {int(str(group)): int(str(port)) for group, port in citus.run(self.url, asked)}

    def primary(self, group: int) -> str:
        """The member of a group that can be written."""
        return next(name for member in MEMBERS if self._is(name := f"{group}{member}", "primary"))

    def kill(self, name: str) -> None:
        """As if its machine had lost its power: Patroni and its server."""
        server = int((self.folder / name / "postmaster.pid").read_text().split()[0])
        patroni = self._processes.pop(name)
        patroni.kill()
        os.kill(server, signal.SIGKILL)
        patroni.wait()

    def remove(self) -> None:
        """End all, and remove what they keep."""
        etcd = self._processes.pop("etcd", None)
        for ending in ([*self._processes.values()], [etcd] if etcd else []):  # who ends says so in etcd
            for process in ending:
                process.terminate()
            for process in ending:
                process.wait(60)
        shutil.rmtree(self.folder)

    def _is(self, name: str, what: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._rest[name]}/{what}", timeout=5):
                return True
        except OSError:  # it says no, or nothing yet
            return False

    def _settings(self, name: str, etcd: int) -> dict[str, Any]:
        rest, server = (f"127.0.0.1:{ports[name]}" for ports in (self._rest, self.ports))
        login = {"username": _USER, "password": "unused"}
        return {
            "scope": "margelle",
            "name": name,
            "citus": {"group": int(name[0]), "database": DATABASE},
            "etcd3": {"host": f"127.0.0.1:{etcd}"},
            "restapi": {"listen": rest, "connect_address": rest},
            "bootstrap": {"dcs": _DYNAMIC, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "trust"}]},
            "postgresql": {
                "listen": server,
                "connect_address": server,
                "data_dir": str(self.folder / name),
                "bin_dir": str(self._programs),
                "basebackup": {"checkpoint": "fast"},
                "pgpass": str(self.folder / f"{name}.pgpass"),
                "authentication": {"superuser": login, "replication": login},
                "parameters": {"unix_socket_directories": ""},
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            },
        }

    def _begin(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": f"{self._programs}:/usr/bin:/bin"},
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
            )


def begun() -> Patroni:
    """All of it; what asks for it is left out where one of the programs is not installed."""
    programs, patroni, etcd = citus.programs(), shutil.which("patroni"), shutil.which("etcd")
    if programs is None:
        pytest.skip(citus.MISSING)
    if patroni is None or etcd is None:
        pytest.skip("Patroni is not here (programs named patroni and etcd), which looks after a cluster's standbys")
    return Patroni(programs, patroni, etcd)


def _etcd(program: str, folder: Path, client: int, peer: int) -> list[str]:
    urls = {name: f"http://127.0.0.1:{port}" for name, port in (("client", client), ("peer", peer))}
    return [
        program,
        *("--data-dir", str(folder), "--name", "one", "--initial-cluster", f"one={urls['peer']}"),
        *("--listen-client-urls", urls["client"], "--advertise-client-urls", urls["client"]),
        *("--listen-peer-urls", urls["peer"], "--initial-advertise-peer-urls", urls["peer"]),
    ]


def _until(done: Callable[[], bool], patience_s: float = 120) -> None:
    end = time.monotonic() + patience_s
    while not done():
        assert time.monotonic() < end, "Patroni does not come to rest"
        time.sleep(0.2)
