"""Real brokers, each a process of its own: Debian's mosquitto, and amqtt from PyPI."""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.system import free_port, program

KINDS = ["amqtt", "mosquitto"]
PATIENCE_S = 10.0

_MOSQUITTO = """\
user {user}
listener {port} 127.0.0.1
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
"""
_OPEN = "allow_anonymous true\n"
_CLOSED = "allow_anonymous false\npassword_file {folder}/passwords\n"
_AMQTT = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
  amqtt.plugins.topic_checking.TopicAccessControlListPlugin:
    acl:
      anonymous: ["{readable}"]
"""


class RealBroker:
    """A broker on a port of its own, which can be ended, killed and started again.

    mosquitto lets in `users` (name and password) only, if there are any; amqtt lets nobody subscribe to anything but `readable`.
    """

    def __init__(self, kind: str, folder: Path, users: dict[str, str] | None = None, readable: str = "#") -> None:
        self._kind, self._folder, self._users, self._readable = kind, folder, users or {}, readable
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            self._command(), cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        give_up = time.monotonic() + PATIENCE_S
        while not _answers(self.port):
            assert self._process.poll() is None, f"{self._kind} ended by itself"
            assert time.monotonic() < give_up, f"{self._kind} does not listen"
            time.sleep(0.02)

    def has_written(self, text: bytes) -> bool:
        """Whether mosquitto has `text` on its disk, and a kill would not take it away."""
        kept = self._folder / "mosquitto.db"
        return kept.exists() and text in kept.read_bytes()

    def end(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def kill(self) -> None:
        """End it without a chance to put anything in order."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None

    def _command(self) -> list[str]:
        conf = self._folder / f"{self._kind}.conf"
        if self._kind == "amqtt":
            conf.write_text(_AMQTT.format(port=self.port, readable=self._readable))
            return [str(Path(sys.executable).with_name("amqtt")), "-c", str(conf)]
        text = _MOSQUITTO + (_CLOSED if self._users else _OPEN)
        conf.write_text(text.format(port=self.port, folder=self._folder, user=getpass.getuser()))
        if self._users:
            (self._folder / "passwords").write_text("".join(_known(*user) for user in self._users.items()))
        return [program("mosquitto", "mosquitto"), "-c", str(conf)]


def _known(login: str, password: str) -> str:
    """A line of mosquitto's password file: PBKDF2 with SHA-512, as mosquitto_passwd(1) of version 2 writes it."""
    salt, rounds = os.urandom(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{login}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
