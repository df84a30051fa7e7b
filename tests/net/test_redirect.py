"""Where redirects lead, where they must not, and what is not told to another host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from margelle.errors import Limited, Unreachable
from margelle.net.address import onward, same_house
from margelle.net.http import CloudHttp
from margelle.ports import Answer, Rate, Request
from tests import hostile
from tests.net.conftest import Make

Get = Callable[..., Awaitable[Answer]]
SECRET = {"Authorization": "Bearer hunter2", "Cookie": "sid=hunter2", "X-Api-Key": "hunter2", "Accept": "text/html"}


async def test_a_redirect_on_the_same_host_keeps_its_headers(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.redirect("/other?a[]=1"), hostile.json([1]))
    assert (await get(headers=SECRET)).body == b"[1]"
    assert cloud.seen[1].target == "/other?a[]=1"
    assert cloud.seen[1].headers["authorization"] == "Bearer hunter2"


async def test_another_host_is_not_told_who_asks(get: Get, cloud: hostile.HostileCloud) -> None:
    async with hostile.HostileCloud() as other:
        cloud.script(hostile.redirect(f"{other.url}/x"))
        other.script(hostile.json([2]))
        assert (await get(headers=SECRET)).body == b"[2]"
        assert "hunter2" not in str(other.seen[0])
        assert other.seen[0].headers["accept"] == "text/html"


async def test_a_secret_is_not_told_again_on_the_way_back(get: Get, cloud: hostile.HostileCloud) -> None:
    async with hostile.HostileCloud() as other:
        cloud.script(hostile.redirect(f"{other.url}/x"), hostile.json([]))
        other.script(hostile.redirect(f"{cloud.url}/y"))
        await get(headers=SECRET)
    assert "hunter2" not in str(cloud.seen[1])


async def test_redirects_are_not_followed_unless_wanted(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.redirect("http://localhost/cb?code=abc&state=1"))
    answer = await get(redirects=False)
    assert (answer.status, answer.headers["location"]) == (302, "http://localhost/cb?code=abc&state=1")


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
async def test_a_form_is_sent_on_only_where_the_status_says_so(
    http: CloudHttp, cloud: hostile.HostileCloud, status: int, method: str
) -> None:
    cloud.script(hostile.redirect("/next", status), hostile.json([]))
    await http.ask(Request("token", "POST", cloud.url, form=(("a", "b"),)))
    assert (cloud.seen[1].method, cloud.seen[1].body) == (method, b"a=b" if method == "POST" else b"")
    assert ("content-type" in cloud.seen[1].headers) == (method == "POST")


async def test_a_put_stays_a_put(http: CloudHttp, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.redirect("/next", 301), hostile.json([]))
    await http.ask(Request("validate", "PUT", cloud.url))
    assert cloud.seen[1].method == "PUT"


async def test_a_form_is_not_sent_on_to_another_host(http: CloudHttp, cloud: hostile.HostileCloud) -> None:
    async with hostile.HostileCloud() as other:
        cloud.script(hostile.redirect(other.url, 307))
        with pytest.raises(Unreachable, match="another host"):
            await http.ask(Request("token", "POST", cloud.url, form=(("password", "hunter2"),)))
        assert other.seen == []


async def test_circles_end(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.always(hostile.redirect("/pools"))
    with pytest.raises(Unreachable, match="circles"):
        await get()
    assert len(cloud.seen) == 6


async def test_each_step_is_paid(make: Make, cloud: hostile.HostileCloud) -> None:
    http = make(Rate(2, 3600))
    cloud.always(hostile.redirect("/pools"))
    with pytest.raises(Limited):
        await http.ask(Request("pools", "GET", cloud.url))
    assert len(cloud.seen) == 2


@pytest.mark.parametrize(
    "location",
    [
        "javascript:alert(1)",
        "http://[",
        "https://me:hunter2@127.0.0.1/",
        "file:///etc/passwd",
        "http://a b/",
        "/caf\u00e9",
    ],
)
async def test_a_redirect_to_no_address_is_not_followed(get: Get, cloud: hostile.HostileCloud, location: str) -> None:
    cloud.script(hostile.redirect(location))
    with pytest.raises(Unreachable, match="no address") as error:
        await get()
    assert "hunter2" not in str(error.value)


async def test_a_redirect_without_a_location_is_an_answer(get: Get, cloud: hostile.HostileCloud) -> None:
    cloud.script(hostile.empty(302))
    assert (await get()).status == 302


def test_nobody_is_led_away_from_tls() -> None:
    with pytest.raises(Unreachable, match="open connection"):
        onward("https://cloud.example/a", "http://cloud.example/b")


def test_a_fragment_is_of_no_concern_to_a_server() -> None:
    assert onward("https://cloud.example/a/b?c", "../d#e") == "https://cloud.example/d"


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("https://a.example/x", "https://a.example:443/y", True),
        ("https://a.example/", "https://A.example/", True),
        ("http://a.example/", "https://a.example/", True),
        ("http://a.example:8080/", "https://a.example/", False),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://b.a.example/", False),
        ("https://a.example/", "https://a.example.evil/", False),
    ],
)
def test_a_house_is_an_origin_or_its_host_behind_tls(url: str, other: str, same: bool) -> None:
    assert same_house(url, other) is same
