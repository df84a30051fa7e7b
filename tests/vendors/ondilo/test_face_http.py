"""The face under its real server, spoken to over a socket."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.evidence import exchange
from tests.vendors.ondilo.house import House
from tests.vendors.ondilo.listening import listening

API = "/ondilo/api/customer/v1"


async def _say(base_url: str, said: bytes) -> bytes:
    """Everything that comes back for `said`, until the server closes the connection."""
    parts = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(said)
    heard = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return heard


def _request(house: House, method: str, path: str, *headers: str, body: bytes = b"", close: bool = True) -> bytes:
    head = [
        f"{method} {path} HTTP/1.1", "Host: hub", f"Authorization: Bearer {house.tokens['access_token']}", *headers,
        *(["Connection: close"] if close else []),
    ]  # fmt: skip
    return "\r\n".join([*head, "", ""]).encode() + body


async def test_head_has_the_headers_of_get_and_no_body(house: House) -> None:
    async with listening(house) as base_url:
        got = await _say(base_url, _request(house, "GET", f"{API}/pools"))
        head = await _say(base_url, _request(house, "HEAD", f"{API}/pools"))

    headers, _, body = head.partition(b"\r\n\r\n")
    length = next(line for line in got.split(b"\r\n") if line.lower().startswith(b"content-length"))
    assert headers.startswith(b"HTTP/1.1 200")
    assert length in headers.split(b"\r\n")
    assert body == b""


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 5000])
async def test_a_body_that_nobody_reads_does_not_disturb_the_next_request(house: House, body: bytes) -> None:
    put = _request(
        house, "PUT", f"{API}/pools/234/recommendations/10251", f"Content-Length: {len(body)}", body=body, close=False
    )
    async with listening(house) as base_url:
        heard = await _say(base_url, put + _request(house, "GET", f"{API}/pools/234/device"))

    first, second = heard.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200")
    assert first.endswith(exchange("ondilo", "validate").response.text.encode())
    assert second.startswith(b"200")
    assert b'"SN00001"' in second


async def test_a_form_may_come_in_chunks(house: House) -> None:
    form = f"grant_type=refresh_token&refresh_token={house.tokens['refresh_token']}".encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (form[:7], form[7:])) + b"0\r\n\r\n"
    async with listening(house) as base_url:
        heard = await _say(
            base_url, _request(house, "POST", "/ondilo/oauth2/token", "Transfer-Encoding: chunked", body=chunks)
        )

    assert heard.startswith(b"HTTP/1.1 200")
    assert b'"token_type":"Bearer"' in heard


@pytest.mark.parametrize(
    "path",
    [
        "/ondilo/%ff%fe",
        f"{API}/pools/%00%0d%0aX:y/device",
        f"{API}//pools",
        "/ondilo/" + "a" * 5000,
        f"{API}/pools%2F234%2Fdevice%0A",
    ],
)
async def test_a_strange_path_does_not_exist(house: House, path: str) -> None:
    async with listening(house) as base_url:
        heard = await _say(base_url, _request(house, "GET", path))

    assert heard.startswith(b"HTTP/1.1 404")
    assert b"content-type: application/json" in heard


async def test_raw_brackets_in_a_query_are_read(house: House) -> None:
    said = exchange("ondilo", "lastmeasures").request
    async with listening(house) as base_url:
        heard = await _say(
            base_url,
            _request(house, "GET", f"{API}/pools/234/lastmeasures?{said.query}", "Accept-Encoding: gzip, deflate"),
        )

    assert heard.startswith(b"HTTP/1.1 200")
    assert b'[{"data_type":"temperature","value":12.5,' in heard


async def test_a_form_that_was_cut_uses_up_no_code(house: House) -> None:
    form = f"grant_type=authorization_code&code={await house.code()}"
    async with listening(house) as base_url:
        parts = urlsplit(base_url)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            _request(house, "POST", "/ondilo/oauth2/token", f"Content-Length: {len(form) + 9}", body=form.encode())
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        told = await _say(base_url, _request(house, "GET", f"{API}/pools"))

    assert told.startswith(b"HTTP/1.1 200")
    assert (await house.token(form)).status == 200
