"""A load generator light enough not to be what is measured: plain sockets, keep-alive, one request in flight a connection.

Run as `python -m bench.load HOST PORT CONNECTIONS SECONDS REQUESTS_FILE [CORE]`, a JSON list of requests that are sent in turn, or with 0 seconds each once;
prints one JSON object.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from itertools import cycle
from pathlib import Path

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_CHUNKS = b"0\r\n\r\n"


class Connection:
    """A keep-alive connection."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._socket.sendall(request)

    def receive(self) -> int:
        """The bytes of the body that came; RuntimeError for an answer that is not 200, or 204, which has none."""
        received = self._socket.recv(1 << 18)
        while _END_OF_HEAD not in received:
            received += self._more()
        head, body = received.split(_END_OF_HEAD, 1)
        if head.startswith(b"HTTP/1.1 204"):
            return 0
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not 200: {head[:120]!r} {body[:200]!r}")
        length = _length(head)
        if length is None:
            return self._chunked(body)
        missing = length - len(body)
        while missing > 0:
            missing -= len(self._more())
        return length

    def _chunked(self, body: bytes) -> int:
        """The bytes of a body in chunks, their sizes among them. Its last five bytes could stand in its middle too, but not at the end of what was received."""
        size, tail = len(body), body[-5:]
        while tail != _END_OF_CHUNKS:
            more = self._more()
            size, tail = size + len(more), (tail + more)[-5:]
        return size

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _more(self) -> bytes:
        more = self._socket.recv(1 << 18)
        if not more:
            raise RuntimeError("the server closed the connection")
        return more


def _length(head: bytes) -> int | None:
    """The length of the body; None where it comes in chunks."""
    found = _LENGTH.search(head)
    return int(found[1]) if found else None


def run(host: str, port: int, connections: int, seconds: float, requests: list[bytes]) -> dict[str, float]:
    """Requests and bytes answered within about `seconds`, or of each request once, and the latency of a round over all connections."""
    clients, turn = [Connection(host, port) for _ in range(connections)], cycle(requests)
    answered = size = 0
    rounds: list[float] = []
    begin = last = time.perf_counter()
    while last - begin < seconds or (not seconds and answered < len(requests)):
        for client in clients:
            client.send(next(turn))
        for client in clients:
            size += client.receive()
        answered += connections
        now = time.perf_counter()
        rounds.append(now - last)
        last = now
    for client in clients:
        client.close()
    rounds.sort()
    return {
        "requests": answered,
        "seconds": last - begin,
        "bytes": size / answered,
        "p50_ms": rounds[len(rounds) // 2] * 1000 / connections,
        "cpu_s": time.process_time(),
    }


def main() -> None:
    """The command line."""
    host, port, connections, seconds, path, *core = sys.argv[1:]
    if core:
        os.sched_setaffinity(0, {int(core[0])})
    requests = [request.encode() for request in json.loads(Path(path).read_text())]
    print(json.dumps(run(host, int(port), int(connections), float(seconds), requests)))


if __name__ == "__main__":
    main()
