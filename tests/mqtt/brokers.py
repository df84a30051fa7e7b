"""Real brokers, each a process of its own: Debian's mosquitto where it is installed, and amqtt from PyPI."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
KINDS = ["amqtt", *(["mosquitto"] if MOSQUITTO else [])]
PATIENCE_S = 10.0

_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
"""
_AMQTT = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


class RealBroker:
    """A broker on a port of its own, which can be ended and started again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind, self._folder = kind, folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        conf = self._folder / f"{self._kind}.conf"
        text = _MOSQUITTO if self._kind == "mosquitto" else _AMQTT
        conf.write_text(text.format(port=self.port, folder=self._folder))
        command = (
            [str(MOSQUITTO), "-c", str(conf)]
            if self._kind == "mosquitto"
            else [str(Path(sys.executable).with_name("amqtt")), "-c", str(conf)]
        )
        self._process = subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        give_up = time.monotonic() + PATIENCE_S
        while not _answers(self.port):
            assert self._process.poll() is None, f"{self._kind} ended by itself"
            assert time.monotonic() < give_up, f"{self._kind} does not listen"
            time.sleep(0.02)

    def end(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
