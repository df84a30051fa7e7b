"""A hub in several processes, for real: they answer, die, are renewed and end, and know of each other what they must."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from tests.cli.conftest import PATIENCE_S, Margelle, Running, Start
from tests.cli.crowd import Crowd

PASSWORD = "un secret d'anna"


class Hub(NamedTuple):
    """A hub with workers, which answers on `port`; `headers` carry a key for everything."""

    running: Running
    port: int
    headers: dict[str, str]

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> HTTPResponse:
        """An answer on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, path, body, {"connection": "close", **(headers or self.headers)})
        return connection.getresponse()

    def workers(self, role: str = "server") -> list[int]:
        """The ids of the processes of this role that are there now."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int(folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1])
                post = re.search(rb"_MARGELLE_WORKER=(\{.*?\})\0", folder.joinpath("environ").read_bytes() + b"\0")
            except OSError:
                continue
            if parent == self.running.process.pid and post and json.loads(post[1])["role"] == role:
                found.append(int(folder.name))
        return sorted(found)

    def settled(self) -> list[int]:
        """The ids of the two that serve, once there are no more and no fewer."""
        give_up = time.monotonic() + PATIENCE_S
        while len(found := self.workers()) != 2:
            assert time.monotonic() < give_up, found
        return found

    @contextmanager
    def only(self, n: int) -> Iterator[None]:
        """Only the `n`th worker answers."""
        others = [pid for m, pid in enumerate(self.workers()) if m != n]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)


def hub_of(margelle: Margelle, start: Start, *more: str) -> Hub:
    margelle("user", "add", "anna@example.org", "--password-stdin", *more, stdin=PASSWORD)
    margelle("site", "add", "Pool", *more)
    scopes = [word for scope in ("read", "measure", "manage") for word in ("--scope", scope)]
    made = margelle("user", "token", "anna@example.org", *scopes, *more)
    assert made.code == 0, made.err
    settings = ("metrics=true", "api.requests_per_minute=0", "shutdown.grace_s=100")
    running = start("serve", "--port", "0", "--workers", "2", *(w for s in settings for w in ("--set", s)), *more)
    port = int(running.until(r"Pages:\s+http://\S+:(\d+)/")[1])
    hub = Hub(running, port, {"authorization": f"Bearer {made.out.strip()}"})
    assert hub.ask("/readyz").status == 200
    hub.settled()
    for n in range(2):
        with hub.only(n):
            assert hub.ask("/readyz").status == 200
    return hub


@pytest.fixture(params=["sqlite", "postgres"])
def hub(request: pytest.FixtureRequest, margelle: Margelle, start: Start) -> Hub:
    """A hub with two workers that answer, over each kind of database."""
    more: tuple[str, ...] = ()
    if request.param == "postgres":
        more = ("--set", f"store={request.getfixturevalue('server').create('workers')}")
    return hub_of(margelle, start, *more)


@pytest.fixture
def small(margelle: Margelle, start: Start) -> Hub:
    """The same, over SQLite alone."""
    return hub_of(margelle, start)


def test_renewing_all_workers_under_load_loses_no_request(hub: Hub) -> None:
    before, keeper = hub.workers(), hub.workers("keeper")
    crowd = Crowd(hub.port, "/api/v1/latest", hub.headers)
    crowd.more(100)
    hub.running.process.send_signal(signal.SIGHUP)
    hub.running.until("All workers are new")
    crowd.more(100)
    crowd.stop()
    assert crowd.failures == []
    after = hub.settled()
    assert not set(after) & set(before)
    assert hub.workers("keeper") != keeper
    crowd = Crowd(hub.port, "/api/v1/latest", hub.headers)
    crowd.more(100)
    crowd.leaving()
    assert hub.running.end(signal.SIGTERM, 30) == 0
    crowd.ended()
    assert crowd.failures == []
    assert "Traceback" not in hub.running.text


def test_a_worker_that_is_killed_takes_only_its_own_requests_along_and_is_replaced(small: Hub) -> None:
    before = small.workers()
    crowd = Crowd(small.port, "/api/v1/latest", small.headers)
    crowd.more(100)
    os.kill(before[0], signal.SIGKILL)
    small.running.until(rf"A worker \(server, process {before[0]}\) was killed by SIGKILL .* begun again")
    crowd.more(300)
    crowd.stop()
    assert len(crowd.failures) <= 6, "one for each client at most: what it had asked the one that was killed"
    assert all("connection" in failure for failure in crowd.failures)
    after = small.settled()
    assert before[1] in after
    assert before[0] not in after
    assert small.running.end(signal.SIGTERM, 30) == 0


def test_a_parent_that_is_killed_leaves_no_worker_behind(small: Hub) -> None:
    left = [*small.workers(), *small.workers("keeper")]
    assert len(left) == 3
    small.running.process.kill()
    small.running.ended()
    give_up = time.monotonic() + PATIENCE_S
    while any(Path(f"/proc/{pid}").exists() for pid in left):
        assert time.monotonic() < give_up


def test_wrong_passwords_count_whichever_worker_hears_them(hub: Hub) -> None:
    def guess(n: int) -> int:
        return hub.ask("/api/v1/me", authorization=f"Basic {basic(f'anna@example.org:guess {n}')}").status

    for worker in (0, 1):
        with hub.only(worker):
            assert [guess(n) for n in range(5)] == [401] * 5
    for worker in (0, 1):
        with hub.only(worker):
            assert guess(worker) == 429
            right = hub.ask("/api/v1/me", authorization=f"Basic {basic(f'anna@example.org:{PASSWORD}')}")
            assert right.status == 429


def basic(login: str) -> str:
    import base64

    return base64.b64encode(login.encode()).decode()


def test_two_taps_that_reach_two_workers_add_one_site_and_are_answered_alike(hub: Hub) -> None:
    own = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    login = urlencode({"login": "anna@example.org", "password": PASSWORD})
    cookie = str(hub.ask("/sign-in", "POST", login, **own).getheader("set-cookie")).partition(";")[0]
    form = urlencode(
        {"once": "tapped twice", "name": "Pond", "kind": "tank", "volume": "", "time_zone": "Europe/Paris"}
    )
    answers = []
    for worker in (0, 1):
        with hub.only(worker):
            answer = hub.ask("/connect/site", "POST", form, **own, cookie=cookie)
            answers.append((answer.status, answer.getheader("location")))
    sites = json.loads(hub.ask("/api/v1/sites").read())["items"]
    (pond,) = [site["id"] for site in sites if site["name"] == "Pond"]
    assert answers == [(303, f"/sites/{pond}?said=site_added")] * 2
    assert sorted(site["name"] for site in sites) == ["Pond", "Pool"]


def test_a_stream_tells_what_another_worker_has_taken_in_and_ends_at_once_with_the_hub(hub: Hub) -> None:
    point = json.dumps({"probe": "own:pool", "quantity": "ph", "at": "2026-07-14T12:30:00Z", "value": 7.4})
    with hub.only(1):
        assert hub.ask("/api/v1/measurements", "POST", point, **hub.headers, **JSON).status == 200
    with hub.only(0):
        stream = hub.ask("/api/v1/stream")
        assert stream.readline() == b"retry: 3000\n"
    newer = point.replace("12:30", "12:40")
    with hub.only(1):
        assert hub.ask("/api/v1/measurements", "POST", newer, **hub.headers, **JSON).status == 200
    told = b"".join(iter(stream.readline, b"event: measurement\n")) + stream.readline()
    assert b"2026-07-14T12:40:00Z" in told
    assert hub.running.end(signal.SIGTERM, 60) == 0, "the stream did not hold the end up for as long as it might"
    assert b"measurement" not in stream.read(), "it ended as an answer does, and was not cut"


JSON = {"content-type": "application/json"}


def test_a_scrape_tells_of_all_workers_and_forgets_none_that_has_ended(small: Hub) -> None:
    for worker in (0, 1):
        with small.only(worker):
            for _ in range(3):
                small.ask("/livez").read()
    first = scraped(small)
    assert first['margelle_http_requests_total{face="livez",status="200"}'] == 6
    small.running.process.send_signal(signal.SIGHUP)
    small.running.until("All workers are new")
    for _ in range(4):
        then = scraped(small)
        assert then['margelle_http_requests_total{face="livez",status="200"}'] == 6
        assert then["process_cpu_seconds_total"] >= first["process_cpu_seconds_total"]
        first = then


def test_what_was_scraped_stays_counted_where_the_worker_that_answered_is_killed(small: Hub) -> None:
    livez = 'margelle_http_requests_total{face="livez",status="200"}'
    killed = small.workers()[0]
    with small.only(0):
        for _ in range(3):
            small.ask("/livez").read()
        assert scraped(small)[livez] == 3
        os.kill(killed, signal.SIGKILL)
    small.running.until(rf"process {killed}\) was killed by SIGKILL .* begun again")
    small.settled()
    assert scraped(small)[livez] == 3


def scraped(hub: Hub) -> dict[str, float]:
    lines = hub.ask("/metrics").read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def test_requests_of_one_key_count_whichever_worker_answers(margelle: Margelle, start: Start) -> None:
    hub = hub_of(margelle, start, "--set", "api.requests_per_minute=20")
    answered = []
    for _turn in range(2):
        for worker in (0, 1):
            with hub.only(worker):
                answered += [hub.ask("/api/v1/me").status for _ in range(6)]
    assert answered[:18] == [200] * 18
    assert 429 in answered[18:22], "what the other has counted is told at once, though not waited for"
    assert answered[-2:] == [429, 429]


def test_a_hub_whose_workers_do_not_start_says_why_and_ends(margelle: Margelle, start: Start) -> None:
    running = start("serve", "--port", "0", "--workers", "2", "--tls-port", "0", "--set", "store=mysql://nowhere/x")
    assert running.ended(60) != 0
    assert running.text.count("Error: ") == 1
    assert "Traceback" not in running.text


def test_workers_that_write_one_sqlite_file_at_once_lose_nothing(small: Hub) -> None:
    import threading

    def points(client: int, batch: int) -> str:
        at = [f"2026-07-{client + 1:02}T{batch // 60:02}:{batch % 60:02}:{second:02}Z" for second in range(10)]
        return json.dumps([{"probe": "own:pool", "quantity": "ph", "at": one, "value": 7.4} for one in at])

    def send(client: int) -> None:
        for batch in range(25):
            answer = small.ask("/api/v1/measurements", "POST", points(client, batch), **small.headers, **JSON)
            said.append((answer.status, json.loads(answer.read()).get("new")))

    said: list[tuple[int, int]] = []
    threads = [threading.Thread(target=send, args=(client,)) for client in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [(200, 10)] * 200
    kept = small.ask("/api/v1/measurements?limit=10000").read()
    assert len(json.loads(kept)["items"]) == 2000


def test_a_hang_up_while_the_first_workers_start_ends_nothing(margelle: Margelle, start: Start) -> None:
    running = start("serve", "--port", "0", "--workers", "2")
    running.until("Data: ")  # the keeper is there, the servers are not yet
    running.process.send_signal(signal.SIGHUP)
    running.until("All workers are new")
    assert running.end(signal.SIGTERM, 30) == 0


def test_settings_that_only_the_keeper_minds_are_refused_before_it_leaves(small: Hub, tmp_path: Path) -> None:
    keeper = small.workers("keeper")
    folder = next(tmp_path.rglob("margelle.sqlite")).parent
    (folder / "margelle.toml").write_text(
        '[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[mqtt.topics]\n"a/#/b" = "own:pool ph"\n'
    )
    small.running.process.send_signal(signal.SIGHUP)
    small.running.until("'a/#/b' is no topic")
    small.running.until("so those of before go on")
    assert small.workers("keeper") == keeper
    assert small.ask("/readyz").status == 200
    assert small.running.end(signal.SIGTERM, 30) == 0


def test_a_hub_whose_store_does_not_answer_yet_still_ends_when_it_is_told_to(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/margelle"
        settings = (f"store={store}", "shutdown.grace_s=1")
        running = start("serve", "--port", "0", "--workers", "2", *(w for s in settings for w in ("--set", s)))
        silent.settimeout(PATIENCE_S)
        with silent.accept()[0]:  # the keeper asks, and waits
            assert running.end(signal.SIGTERM, 20) == 0
