"""What is kept of every exchange: enough, and no secret."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from margelle.net.http import CloudHttp
from margelle.ports import Answer, Request
from margelle.store.memory import MemoryStore
from tests import hostile
from tests.net.conftest import ACCOUNT, HandClock, the_receipts

Get = Callable[..., Awaitable[Answer]]

PASSWORD = "p & q=100%/'ü\" +x"
TOKEN = "5c3c1ac2f8e5de5a7b6c4d3e2f1a0b9c8d7e6f5a"


async def test_a_receipt_tells_what_was_asked_and_answered(
    get: Get, cloud: hostile.HostileCloud, store: MemoryStore, clock: HandClock
) -> None:
    cloud.script(hostile.answer(404, b'{"error": "no such pool"}'))
    await get("/pools/1", query=(("types[]", "ph"),))
    [receipt] = await the_receipts(store)
    assert (receipt.account, receipt.at, receipt.name, receipt.status) == (ACCOUNT, clock.now, "pools", 404)
    assert (receipt.url, receipt.body) == (f"{cloud.url}/pools/1?types[]=ph", b'{"error": "no such pool"}')
    assert receipt.duration_ms >= 0


async def everything(store: MemoryStore) -> str:
    return " ".join(f"{receipt.url} {receipt.body.decode(errors='replace')}" for receipt in await the_receipts(store))


async def test_a_token_answer_keeps_its_shape_without_its_tokens(
    http: CloudHttp, cloud: hostile.HostileCloud, store: MemoryStore
) -> None:
    cloud.script(
        hostile.json({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer", "refresh_token": TOKEN[::-1]})
    )
    await http.ask(Request("token", "POST", cloud.url, form=(("refresh_token", TOKEN[::-1]),)))
    [receipt] = await the_receipts(store)
    assert json.loads(receipt.body) == {
        "access_token": "***",
        "expires_in": 3600,
        "token_type": "Bearer",
        "refresh_token": "***",
    }


@pytest.mark.parametrize(
    "echo",
    [
        lambda form: json.dumps({"you_sent": {"login": "zoe", "words": PASSWORD}}).encode(),
        lambda form: json.dumps({"you_sent": json.dumps({"words": PASSWORD})}).encode(),
        lambda form: json.dumps({"words": PASSWORD}, ensure_ascii=False).encode(),
        lambda form: f"wrong password '{PASSWORD}' for zoe".encode(),
        lambda form: b"<p>p &amp; q=100%/&#x27;\xc3\xbc&quot; +x</p>",
        lambda form: form,
        lambda form: b"\xff\xfe latin: \xe9 " + form,
        lambda form: b"GET /login?next=%2F&" + form + b" HTTP/1.1",
    ],
)  # fmt: skip
async def test_a_password_that_the_cloud_repeats_is_not_kept(
    http: CloudHttp, cloud: hostile.HostileCloud, store: MemoryStore, echo: Callable[[bytes], bytes]
) -> None:
    async def behave(call: hostile.Call) -> None:
        await hostile.answer(400, echo(call.seen.body))(call)

    cloud.script(behave)
    await http.ask(Request("authorize", "POST", cloud.url, form=(("login", "zoe"), ("password", PASSWORD))))
    kept = await everything(store)
    assert "q=100" not in kept
    assert "q%3D100" not in kept
    assert "+x" not in kept


async def test_a_login_page_keeps_the_login_and_not_the_password(
    http: CloudHttp, cloud: hostile.HostileCloud, store: MemoryStore
) -> None:
    page = b'<form><input name="login" value="zoe"><input value="hunter2" type="password" name="p"></form>'
    cloud.script(hostile.answer(200, page))
    await http.ask(Request("authorize", "POST", cloud.url, form=(("login", "zoe"),)))
    [receipt] = await the_receipts(store)
    assert receipt.body == page.replace(b"hunter2", b"***")


async def test_where_a_redirect_led_is_kept_without_its_code(
    http: CloudHttp, cloud: hostile.HostileCloud, store: MemoryStore
) -> None:
    cloud.script(
        hostile.redirect("http://localhost/cb?code=abcdef&state=xyz"),
        hostile.redirect("/cb?code=abcdef"),
        hostile.json([]),
    )
    await http.ask(Request("authorize", "POST", cloud.url, form=(), redirects=False))
    await http.ask(Request("authorize", "POST", cloud.url, form=()))
    kept = await everything(store)
    assert "abcdef" not in kept
    assert "Location: http://localhost/cb?code=***&state=xyz" in kept
    assert f"{cloud.url}/cb?code=***" in kept


async def test_secrets_in_the_query_and_headers_are_not_kept(
    get: Get, cloud: hostile.HostileCloud, store: MemoryStore
) -> None:
    async def behave(call: hostile.Call) -> None:
        await hostile.json([call.seen.target, call.seen.headers], 400)(call)

    cloud.script(behave)
    await get(query=(("username", "zoe"), ("password", PASSWORD)), headers={"Authorization": f"Bearer {TOKEN}"})
    kept = await everything(store)
    assert "q%3D100" not in kept
    assert TOKEN not in kept
    assert "username=zoe" in kept


@pytest.mark.parametrize(
    "body", [b"\x00\x01\x02hunter2", '{"password": "hunter2"}'.encode("utf-16"), b"\x1f\x8bhunter2"]
)
async def test_what_is_no_text_is_only_counted(
    get: Get, cloud: hostile.HostileCloud, store: MemoryStore, body: bytes
) -> None:
    cloud.script(hostile.answer(200, body))
    assert (await get()).body == body
    [receipt] = await the_receipts(store)
    assert receipt.body == f"({len(body)} bytes that are no text)".encode()


async def test_text_that_is_not_utf_8_is_kept_byte_for_byte(
    get: Get, cloud: hostile.HostileCloud, store: MemoryStore
) -> None:
    cloud.script(hostile.invalid_utf8())
    answer = await get()
    [receipt] = await the_receipts(store)
    assert receipt.body == answer.body


async def test_a_long_body_is_kept_in_part_with_a_note(
    get: Get, cloud: hostile.HostileCloud, store: MemoryStore
) -> None:
    body = b'[{"name":"' + "é".encode() * 400_000 + b'"}]'
    cloud.script(hostile.answer(200, body))
    assert (await get()).body == body
    [receipt] = await the_receipts(store)
    assert receipt.body == body[: 256 * 1024] + f"\n({len(body)} bytes in all)".encode()


async def test_a_secret_across_the_cut_of_a_long_body_is_not_kept(
    get: Get, cloud: hostile.HostileCloud, store: MemoryStore
) -> None:
    cloud.script(hostile.answer(200, b" " * (256 * 1024 - 24) + b'{"access_token":"hunter2-and-much-more"}'))
    await get()
    assert "hunter" not in await everything(store)
