"""Answers of the three faces from SQLite against a bare route that returns the same bytes from memory."""

from __future__ import annotations

import asyncio
import sys
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from msgspec import Struct

from bench.installation import CONTRACT, DEVICES, MODULE, PAGE, PASSWORD, TAGS, USER, environ, furnish
from bench.process import cpu_s, free_port, load, server
from bench.report import Line

API = "/ondilo/api/customer/v1"
TYPES = "types[]=temperature&types[]=ph&types[]=orp&types[]=salt&types[]=battery&types[]=tds&types[]=rssi"
SURVEY = f"/flipr/modules/{MODULE}/survey"
ROUNDS = 5
MANY = 64
"""So many different requests are sent in turn where each answer is to be made anew: an answer is kept for a second at most."""


class Work(Struct):
    """What is asked, and by how many clients at once; of a large answer, how many measurements went into it."""

    name: str
    requests: list[str]
    points: int = 0
    clients: int = 32


def works(tokens: Mapping[str, str]) -> list[Work]:
    """Everything that is measured: small answers as often as they come, large ones by the points that are read for them."""
    ondilo, flipr = tokens["ondilo"], tokens["flipr"]
    hours = [_get(f"{SURVEY}/LastHours/{720 + n}", flipr) for n in range(MANY)]
    days = [_get(f"{SURVEY}/statsPerDays/{365 - n}", flipr) for n in range(MANY)]
    now_s = int((datetime.now(UTC) - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(seconds=1))
    past = {"deviceId": "0", "tagReferences": TAGS[0], "startTime": str(now_s - 30 * 86_400)}
    everywhere = {"deviceIdentifiers": ",".join(map(str, range(DEVICES)))}
    anew = [_post("devices-realtimes", everywhere | {"n": str(n)}) for n in range(MANY * 64)]
    return [
        Work("Ondilo lastmeasures of 7 types", [_get(f"{API}/pools/234/lastmeasures?{TYPES}", ondilo)]),
        Work("Ondilo measures, a month of one type", [_get(f"{API}/pools/234/measures?type=ph&period=month", ondilo)]),
        Work("Ondilo pools", [_get(f"{API}/pools", ondilo)]),
        Work("Flipr survey/last", [_get(f"{SURVEY}/last", flipr)]),
        Work("Flipr LastHours/720", hours[:1]),
        Work("Flipr LastHours/720, each anew", hours, 720 * 6, 1),
        Work("Flipr statsPerDays/365, each anew", days, 365 * 24 * 6, 1),
        Work("BAXO realtimes of 1 device", [_post("devices-realtimes", {"deviceId": "7"})]),
        Work("BAXO realtimes of 100 devices", [_post("devices-realtimes", everywhere)]),
        Work("BAXO realtimes of 100, each anew", anew, DEVICES * len(TAGS), 1),
        Work("BAXO historics, a page of 10 000", [_post("devices-historics", past)], PAGE, 1),
    ]


def measure(folder: Path) -> list[Line]:
    """Answers a second, and processor time of the server, round by round in turn."""
    tokens = asyncio.run(furnish(folder))
    port = free_port()
    hub = [sys.executable, "-m", "margelle", "serve", "--no-collect", "--port", str(port)]
    lines: list[Line] = []
    with server(hub, port, "/healthz", environ(folder)) as (pid, _):
        _answer(port, _post("contracts", {"password": PASSWORD}))  # from now on the login alone is let in
        for work in works(tokens):
            lines += against_bare(work, folder, pid, port)
    return lines


def against_bare(work: Work, folder: Path, pid: int, port: int) -> list[Line]:
    """Answers a second of the hub at `port`, and of a bare server with the same bytes, in turn; and what each costs."""
    body = folder / "body"
    body.write_bytes(_answer(port, work.requests[0]))
    bare_port = free_port()
    name, each = f"{work.name} ({body.stat().st_size:,} B)", work.points or 1
    speed = Line(name, "points/s" if work.points else "requests/s", [], [], "bare Starlette route, same bytes")
    cost = Line(f"{name}, server's CPU", "us/request", [], [], "bare Starlette route, same bytes", better="lower")
    with server([sys.executable, "-m", "bench.bare", str(bare_port), str(body)], bare_port, "/") as (bare_pid, _):
        for _round in range(ROUNDS):
            for server_pid, at, rates, costs in (
                (pid, port, speed.ours, cost.ours),
                (bare_pid, bare_port, speed.peers, cost.peers),
            ):
                begin_s = cpu_s(server_pid)
                done = load(at, work.requests, folder, seconds=1.5, connections=work.clients)
                rates.append(done["requests"] / done["seconds"] * each)
                costs.append((cpu_s(server_pid) - begin_s) / done["requests"] * 1e6)
    return [speed, cost]


def _get(path: str, token: str) -> str:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer {token}\r\n\r\n"
    )


def _post(service: str, given: Mapping[str, str]) -> str:
    form = urlencode({"get": service, "username": USER, "contractId": CONTRACT, **given})
    kind = "application/x-www-form-urlencoded"
    return f"POST /baxo/k1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(form)}\r\n\r\n{form}"


def _answer(port: int, request: str) -> bytes:
    head, _, body = request.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{first.split()[1]}", body.encode() or None, headers)
    with urllib.request.urlopen(asked) as answer:
        told: bytes = answer.read()
        return told
