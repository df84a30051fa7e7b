"""What goes out, what comes back, and what it costs."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from margelle import __version__
from margelle.errors import BadInput, Limited, StoreError, Unreachable
from margelle.net.http import CloudHttp, timeouts
from margelle.ports import Answer, Rate, Receipt, Request
from margelle.store.memory import MemoryStore
from tests import hostile
from tests.net.conftest import ACCOUNT, HandClock, Make, the_receipts

Get = Callable[..., Awaitable[Answer]]


async def test_an_answer_comes_whole_with_lower_case_headers(
    get: Get, cloud: hostile.HostileCloud, clock: HandClock
) -> None:
    cloud.script(hostile.json([1], headers={"X-Two": "a"}))
    answer = await get()
    assert (answer.status, answer.body, answer.at) == (200, b"[1]", clock.now)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-two"] == "a"


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502, 503])
async def test_any_status_is_an_answer(get: Get, cloud: hostile.HostileCloud, status: int) -> None:
    cloud.script(hostile.html(status))
    assert (await get()).status == status
    assert len(cloud.seen) == 1


async def test_a_request_says_who_asks_and_what_is_accepted(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.json([]))
    await get()
    headers = cloud.seen[0].headers
    assert headers["user-agent"] == f"Margelle/{__version__}"
    assert (headers["accept"], headers["accept-encoding"], headers["accept-charset"]) == (
        "application/json",
        "identity",
        "utf-8",
    )


async def test_own_headers_replace_ours_whatever_their_case(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.json([]))
    await get(headers={"ACCEPT": "text/html", "Authorization": "Bearer abc"})
    assert (cloud.seen[0].headers["accept"], cloud.seen[0].headers["authorization"]) == ("text/html", "Bearer abc")


async def test_brackets_in_a_query_stay_and_the_rest_is_encoded(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.json([]))
    await get(query=(("types[]", "ph"), ("types[]", "orp"), ("q", "a b+c&d=é/%")))
    assert cloud.seen[0].target == "/pools?types[]=ph&types[]=orp&q=a%20b%2Bc%26d%3D%C3%A9%2F%25"


async def test_a_query_is_added_to_the_one_of_the_address(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.json([]))
    await get("/pools?l=en", query=(("a", ""),))
    assert cloud.seen[0].target == "/pools?l=en&a="


async def test_a_form_arrives_as_it_was_given(http: CloudHttp, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.json({}))
    form = (("login", "zoé+pool@example.com"), ("password", "p & q = 100 % 'ü'"))
    await http.ask(Request("token", "POST", cloud.url + "/oauth2/token", form=form))
    assert cloud.seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert cloud.seen[0].form == dict(form)


async def test_a_put_without_a_form_has_no_body(http: CloudHttp, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.json("Done"))
    await http.ask(Request("validate", "PUT", cloud.url + "/x"))
    assert (cloud.seen[0].method, cloud.seen[0].body) == ("PUT", b"")
    assert "content-type" not in cloud.seen[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "example.com/x", "https:///x", "https://", "http://exa mple.com/", "http://example.com:99999/", "http://[::1/",
        "http://example.com\n.evil/", "http://a..b/", "http://-/", "http://127.1/", "http://0x7f.0.0.1/", "http://xn--\u00e9/",
        "http://" + "a" * 64 + ".com/", "http://ex\\ample/", "http://example.com:0/", "http://\u2603\u0000/", "",
    ],
)  # fmt: skip
async def test_an_address_that_is_none_is_refused_before_anything_is_asked(
    http: CloudHttp, store: MemoryStore, url: str
) -> None:
    with pytest.raises(BadInput):
        await http.ask(Request("pools", "GET", url))
    assert await the_receipts(store) == []


async def test_a_login_in_an_address_is_refused_and_not_repeated(http: CloudHttp) -> None:
    with pytest.raises(BadInput) as error:
        await http.ask(Request("pools", "GET", "https://me:hunter2@example.com/"))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "\ud800", "é"])
async def test_a_header_that_cannot_be_sent_is_refused_and_not_repeated(get: Get, value: str) -> None:
    with pytest.raises(BadInput) as error:
        await get(headers={"authorization": f"Bearer hunter2{value}"})
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("part", ["query", "form"])
async def test_half_a_character_is_refused(get: Get, part: str) -> None:
    with pytest.raises(BadInput):
        await get(**{part: (("a", "\ud800"),)})


async def test_invalid_utf8_and_nan_are_handed_on_as_they_are(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.invalid_utf8(), hostile.nan(), hostile.empty(), hostile.html(200, "Maintenance"))
    bodies = [(await get()).body for _ in range(4)]
    assert b"\x92\xe9t\xe9" in bodies[0]
    assert b"NaN" in bodies[1]
    assert bodies[2] == b""
    assert b"Maintenance" in bodies[3]


async def test_a_body_that_came_compressed_after_all_is_decoded(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.gzipped(b'{"a": 1}'))
    assert (await get()).body == b'{"a": 1}'


async def test_http_1_0_without_a_length_is_an_answer(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.http10(b"[1, 2]"))
    assert (await get()).body == b"[1, 2]"


async def test_a_body_that_comes_slowly_comes_whole(get: Get, cloud: hostile.HostileCloud) -> None:
    gate = asyncio.Event()

    async def drip_and_go_on(call: hostile.Call) -> None:
        asyncio.get_running_loop().call_soon(gate.set)
        await hostile.drip(b"[1, 2]", gate)(call)

    cloud.script(drip_and_go_on)
    assert (await get()).body == b"[1, 2]"


# --- the budget ------------------------------------------------------------------------------------------------------


async def test_a_request_beyond_the_budget_is_not_sent(make: Make, cloud: hostile.HostileCloud) -> None:
    http = make(Rate(2, 3600))
    cloud.always(hostile.json([]))
    for _ in range(2):
        await http.ask(Request("pools", "GET", cloud.url))
    with pytest.raises(Limited) as error:
        await http.ask(Request("pools", "GET", cloud.url))
    assert error.value.retry_after_s == 3600
    assert len(cloud.seen) == 2


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(90, "wait 90 s."), (1200, "wait about 20 min, until 12:50 UTC."), (3600, "wait about an hour, until 13:30 UTC."), (7200, "wait about 2 h, until 14:30 UTC.")],
)  # fmt: skip
async def test_a_long_wait_is_told_with_its_end(
    make: Make, cloud: hostile.HostileCloud, seconds: int, said: str
) -> None:
    http = make(Rate(1, seconds))
    await http.ask(Request("pools", "GET", cloud.url + "/pools"))
    with pytest.raises(Limited, match=said):
        await http.ask(Request("pools", "GET", cloud.url + "/pools"))


async def test_a_short_wait_for_the_budget_is_waited(make: Make, cloud: hostile.HostileCloud, clock: HandClock) -> None:
    http = make(Rate(1, 1.5))
    cloud.always(hostile.json([]))
    start = clock.now
    for _ in range(3):
        await http.ask(Request("pools", "GET", cloud.url))
    assert clock.now - start == timedelta(seconds=3)


async def test_a_clock_that_stands_still_does_not_make_a_wait_endless(make: Make, cloud: hostile.HostileCloud) -> None:
    async def nothing(_: float) -> None: ...

    http = make(Rate(1, 1.5), pause=nothing)
    cloud.always(hostile.json([]))
    await http.ask(Request("pools", "GET", cloud.url))
    with pytest.raises(Limited):
        await http.ask(Request("pools", "GET", cloud.url))


async def test_token_posts_and_failures_count_too(make: Make, cloud: hostile.HostileCloud) -> None:
    http = make(Rate(2, 3600))
    cloud.script(hostile.json({}), hostile.close_before_answer)
    await http.ask(Request("token", "POST", cloud.url, form=()))
    with pytest.raises(Unreachable):
        await http.ask(Request("token", "POST", cloud.url, form=()))
    with pytest.raises(Limited):
        await http.ask(Request("token", "POST", cloud.url, form=()))


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [("60", 60), (None, 900), ("soon", 900), ("-5", 900), ("Tue, 14 Jul 2026 12:32:00 GMT", 120), ("99999999999999", 86400), ("", 900), ("1e9", 900)],
)  # fmt: skip
async def test_a_429_pauses_the_budget_as_it_says(
    make: Make, cloud: hostile.HostileCloud, retry_after: str | None, wait_s: float
) -> None:
    http = make(Rate(30, 3600))
    cloud.script(hostile.limited(retry_after))
    assert (await http.ask(Request("pools", "GET", cloud.url))).status == 429
    with pytest.raises(Limited) as error:
        await http.ask(Request("pools", "GET", cloud.url))
    assert error.value.retry_after_s == wait_s
    assert len(cloud.seen) == 1


async def test_a_429_that_names_a_past_date_costs_no_wait(make: Make, cloud: hostile.HostileCloud) -> None:
    http = make(Rate(30, 3600))
    cloud.script(hostile.limited("Mon, 13 Jul 2026 12:32:00 GMT"), hostile.json([]))
    await http.ask(Request("pools", "GET", cloud.url))
    assert (await http.ask(Request("pools", "GET", cloud.url))).status == 200


# --- retries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [hostile.reset_before_answer, hostile.close_before_answer, hostile.reset_in_headers])
async def test_a_get_whose_connection_broke_is_tried_once_more_and_paid_twice(
    make: Make, cloud: hostile.HostileCloud, store: MemoryStore, broken: hostile.Behaviour
) -> None:
    http = make(Rate(2, 3600))
    cloud.script(broken, hostile.json([1]))
    assert (await http.ask(Request("pools", "GET", cloud.url))).body == b"[1]"
    assert [receipt.status for receipt in await the_receipts(store)] == [0, 200]
    with pytest.raises(Limited):
        await http.ask(Request("pools", "GET", cloud.url))


async def test_a_get_is_not_tried_a_third_time(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.always(hostile.reset_before_answer)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        await get()
    assert len(cloud.seen) == 2


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_changes_something_is_never_said_twice(
    http: CloudHttp, cloud: hostile.HostileCloud, method: str
) -> None:
    cloud.always(hostile.reset_before_answer)
    with pytest.raises(Unreachable):
        await http.ask(Request("validate", method, cloud.url))  # type: ignore[arg-type]
    assert len(cloud.seen) == 1


async def test_a_second_attempt_beyond_the_budget_is_not_made(make: Make, cloud: hostile.HostileCloud) -> None:
    http = make(Rate(1, 3600))
    cloud.always(hostile.reset_before_answer)
    with pytest.raises(Limited):
        await http.ask(Request("pools", "GET", cloud.url))
    assert len(cloud.seen) == 1


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (hostile.cut(b"[1, 2"), "cut short"),
        (hostile.reset_in_body(b"[1, 2"), "cut short"),
        (hostile.broken_chunk(), "parts do not fit"),
        (hostile.large_headers(), "headers"),
        (hostile.no_http, "not HTTP"),
        (hostile.answer(200, b"no gzip", {"Content-Encoding": "gzip"}), "cut short"),
        (hostile.huge(9_000_000), "longer than 8388608 bytes"),
        (hostile.endless, "longer than 8388608 bytes"),
        (hostile.gzipped(b" " * 50_000_000), "longer than 8388608 bytes"),
    ],
)
async def test_an_answer_that_is_none_says_what_happened_and_leaves_a_receipt(
    get: Get, cloud: hostile.HostileCloud, store: MemoryStore, behaviour: hostile.Behaviour, words: str
) -> None:
    cloud.script(behaviour)
    with pytest.raises(Unreachable, match=words) as error:
        await get()
    [receipt] = await the_receipts(store)
    assert (receipt.status, receipt.body.decode()) == (0, str(error.value))
    assert len(cloud.seen) == 1


async def test_a_body_of_just_the_limit_comes(make: Make, cloud: hostile.HostileCloud) -> None:
    http = make(max_body_bytes=10)
    cloud.script(hostile.answer(200, b"1234567890"), hostile.http10(b"12345678901"))
    assert len((await http.ask(Request("pools", "GET", cloud.url))).body) == 10
    with pytest.raises(Unreachable, match="longer than 10 bytes"):
        await http.ask(Request("pools", "GET", cloud.url))


@pytest.mark.parametrize("slow", [hostile.hold, lambda gate: hostile.drip(b"[1]", gate)])
async def test_patience_ends_and_nothing_is_tried_again(
    make: Make, cloud: hostile.HostileCloud, slow: Callable[[asyncio.Event], hostile.Behaviour]
) -> None:
    http = make(timeout_s=0.05)
    cloud.always(slow(asyncio.Event()))
    with pytest.raises(Unreachable, match=r"within 0\.05 s"):
        await http.ask(Request("pools", "GET", cloud.url))
    assert len(cloud.seen) == 1


async def test_a_cloud_that_takes_no_connection_is_told_with_its_own_patience(make: Make) -> None:
    http = make(connect_s=0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # it lets in whoever comes, and never says a word of TLS
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 took no connection within 0\.05 s"):
            await http.ask(Request("pools", "GET", url))


async def test_waiting_for_a_free_connection_is_not_held_against_the_cloud(
    make: Make, cloud: hostile.HostileCloud
) -> None:
    gate = asyncio.Event()
    async with ClientSession(connector=TCPConnector(limit=1, force_close=True), timeout=timeouts(5, 0.4)) as session:
        http = make(session=session)
        cloud.script(hostile.hold(gate), hostile.json([2]))
        first = asyncio.create_task(http.ask(Request("pools", "GET", cloud.url)))
        second = asyncio.create_task(http.ask(Request("pools", "GET", cloud.url)))
        _, waiting = await asyncio.wait([first, second], timeout=0.6)
        assert waiting == {first, second}, "neither has given up, though one has waited longer than any connection may"
        first.cancel()
        assert (await second).body == b"[2]"


async def test_a_second_attempt_is_told_in_a_sentence(
    get: Get, cloud: hostile.HostileCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.script(hostile.close_before_answer, hostile.json([1]))
    with caplog.at_level(logging.INFO):
        assert (await get()).body == b"[1]"
    (told,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert (
        told == "ondilo-1: pools is asked once more, within 0.5 s. 127.0.0.1 closed the connection without an answer."
    )
    assert "stamina" not in caplog.text


async def test_a_closed_port_cannot_be_reached(http: CloudHttp) -> None:
    async with hostile.HostileCloud() as gone:
        url = gone.url
    with pytest.raises(Unreachable, match="cannot be reached"):
        await http.ask(Request("pools", "GET", url))


class NoNames(AbstractResolver):
    """A resolver that knows no name."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(-2, "Name or service not known")

    async def close(self) -> None: ...


async def test_a_name_that_nobody_knows_is_told_and_a_given_session_stays_open(make: Make) -> None:
    async with ClientSession(connector=TCPConnector(resolver=NoNames())) as session:
        http = make(session=session)
        with pytest.raises(Unreachable, match=r"The name cloud\.example cannot be looked up\. Check the name"):
            await http.ask(Request("pools", "GET", "https://cloud.example/pools"))
        await http.close()
        assert not session.closed


# --- log and receipts that fail --------------------------------------------------------------------------------------


async def test_the_log_tells_name_status_and_time_only(
    get: Get, cloud: hostile.HostileCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.script(hostile.json({"lastname": "Dupont"}))
    with caplog.at_level(logging.DEBUG, "margelle"):
        await get(query=(("q", "private"),))
    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("margelle")]
    assert line.startswith(f"{ACCOUNT}: pools answered 200 in ")
    assert "private" not in line
    assert "Dupont" not in line


async def test_an_answer_whose_receipt_cannot_be_kept_is_not_lost(
    get: Get,
    cloud: hostile.HostileCloud,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def full(_: Receipt) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(store, "keep_receipt", full)
    cloud.script(hostile.json([1]))
    assert (await get()).body == b"[1]"
    assert "The disk is full" in caplog.text
