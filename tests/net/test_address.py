"""Addresses, and the proxies on the way to them."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from margelle.errors import BadInput, Unreachable
from margelle.net.address import address, proxy_of
from margelle.net.http import CloudHttp
from margelle.ports import Answer, Request
from tests import hostile

Get = Callable[..., Awaitable[Answer]]
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://cloud.example", "https://cloud.example/"),
        ("HTTPS://Cloud.Example:443/A", "https://cloud.example/A"),
        ("http://cloud.example:8080/a?b=c", "http://cloud.example:8080/a?b=c"),
        ("https://B\u00fccher.example/\u00e9t\u00e9", "https://xn--bcher-kva.example/%C3%A9t%C3%A9"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443/"),
        ("https://192.0.2.1/", "https://192.0.2.1/"),
        ("https://under_score.local./", "https://under_score.local./"),
        ("https://cloud.example/a%20b/%5B?x=%26#part", "https://cloud.example/a%20b/%5B?x=%26"),
        ("https://cloud.example//OAuth2/token", "https://cloud.example//OAuth2/token"),
    ],
)
def test_an_address_is_written_in_one_way(url: str, written: str) -> None:
    assert address(url) == written
    assert address(written) == written


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_any_query_arrives_as_it_was_given(pairs: list[tuple[str, str]]) -> None:
    try:
        url = address("https://cloud.example/", pairs)
    except BadInput:
        assert any("\ud800" <= character <= "\udfff" for pair in pairs for text in pair for character in text)
    else:
        assert list(URL(url, encoded=True).query.items()) == pairs


@given(st.text())
def test_any_text_is_an_address_or_bad_input(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.example/", f"https://cloud.example/{text}"):
        try:
            written = address(url)
        except BadInput:
            continue
        assert written.isascii()
        assert address(written) == written


def test_a_proxy_of_the_environment_is_taken_with_its_login_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:p%40ss@proxy.example:3128")
    login = base64.b64encode(b"me:p@ss").decode()
    assert proxy_of("https://cloud.example/") == (
        "http://proxy.example:3128",
        {"Proxy-Authorization": f"Basic {login}"},
    )
    assert proxy_of("http://cloud.example/") == (None, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "cloud.localhost"])
def test_no_proxy_leads_to_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert proxy_of(f"http://{host}:8080/") == (None, {})


def test_hosts_that_the_environment_excepts_have_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "lan.example")
    assert proxy_of("https://hub.lan.example/") == (None, {})
    assert proxy_of("https://cloud.example/") == ("http://proxy.example:3128", {})


async def test_a_request_goes_through_the_proxy(
    http: CloudHttp, cloud: hostile.HostileCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", cloud.url.replace("://", "://me:hunter2@"))
    cloud.script(hostile.json([1]))
    assert (await http.ask(Request("pools", "GET", "http://cloud.example/pools"))).body == b"[1]"
    assert cloud.seen[0].target == "http://cloud.example/pools"
    assert cloud.seen[0].headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:hunter2").decode()


@pytest.mark.parametrize("behaviour", [hostile.html(407), hostile.html(502), hostile.close_before_answer])
async def test_a_proxy_that_refuses_is_named_without_its_login(
    http: CloudHttp, cloud: hostile.HostileCloud, monkeypatch: pytest.MonkeyPatch, behaviour: hostile.Behaviour
) -> None:
    monkeypatch.setenv("https_proxy", cloud.url.replace("://", "://me:hunter2@"))
    cloud.always(behaviour)
    with pytest.raises(Unreachable, match=r"cloud\.example") as error:
        await http.ask(Request("pools", "GET", "https://cloud.example/pools"))
    assert "hunter2" not in str(error.value)
    assert cloud.seen[0].target == "cloud.example:443"


async def test_a_proxy_that_is_not_there_is_named_as_the_trouble(
    http: CloudHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hostile.HostileCloud() as gone:
        monkeypatch.setenv("http_proxy", gone.url)
    with pytest.raises(Unreachable, match="proxy"):
        await http.ask(Request("pools", "GET", "http://cloud.example/pools"))
