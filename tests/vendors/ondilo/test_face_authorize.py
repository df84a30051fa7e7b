"""Signing in on the face's page: what clients send, and where the person is sent back to."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from msgspec.structs import replace

from margelle.domain.site import User
from margelle.serve.sign_in import hash_password
from tests.asgi import Response, call
from tests.evidence import answer, facts
from tests.vendors.ondilo.house import AUTHORIZE, House, empty_house

QUERY = "response_type=code&client_id=customer_api&redirect_uri=https%3A%2F%2Fexample.com%2Fapi&scope=api&state=Jx8"
ASKED = [said for said in facts("ondilo", "requests") if said["what"] == "authorize"]
SIGNED_IN = [said for said in facts("ondilo", "requests") if said["what"] == "sign-in"]


@pytest.fixture
async def house() -> House:
    return await empty_house()


class Form(HTMLParser):
    """The page as a program sees it that looks for a form and knows nothing else."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [attributes for name, attributes in self.tags if name == tag]


async def show(house: House, query: str, **headers: str) -> Response:
    return await call(house.app, "GET", f"{AUTHORIZE}?{query}", {k.replace("_", "-"): v for k, v in headers.items()})


def query_with(**changes: str | None) -> str:
    given = {"response_type": "code", "client_id": "customer_api", "redirect_uri": "https://example.com/api"}
    return "&".join(f"{name}={value}" for name, value in {**given, **changes}.items() if value is not None)


def location(answer: Response) -> str:
    assert answer.status == 302, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("said", ASKED, ids=lambda said: said["client"])
async def test_the_page_has_one_plain_form_for_every_client(house: House, said: dict[str, Any]) -> None:
    page = await show(house, said["query"])

    form = Form(page.text)
    inputs = {entry["name"] for entry in form.all("input")} | {entry["name"] for entry in form.all("button")}
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert form.all("form") == [{"method": "post", "action": ""}]
    assert inputs == set(facts("ondilo", "lists")["login_fields"])
    assert [entry["value"] for entry in form.all("button")] == ["Authorize"]
    assert not form.all("script")
    assert str(urlsplit(unquote(said["query"].partition("redirect_uri=")[2])).hostname) in form.text


@pytest.mark.parametrize("said", ASKED, ids=lambda said: said["client"])
async def test_every_client_gets_its_code_and_then_its_state_byte_for_byte(house: House, said: dict[str, Any]) -> None:
    answer = await house.authorize(said["query"])

    uri, state = parse_qs(said["query"])["redirect_uri"][0], said["query"].partition("state=")[2].partition("&")[0]
    sent = location(answer)
    before, _, rest = sent.partition("code=")
    assert before == uri + ("&" if "?" in uri else "?")
    assert rest[40:] == f"&state={state}"
    assert int(rest[:40], 16) >= 0
    assert answer.body == b""


@pytest.mark.parametrize("said", SIGNED_IN, ids=lambda said: said["client"])
async def test_a_program_signs_in_without_having_seen_the_page(house: House, said: dict[str, Any]) -> None:
    given = parse_qs(said["body"])
    await house.store.put_user(User(given["login"][0], hash_password(given["password"][0])))

    answer = await call(house.app, "POST", f"{AUTHORIZE}?{said['query']}", {}, said["body"].encode())

    assert location(answer).startswith(parse_qs(said["query"])["redirect_uri"][0] + "?code=")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "state",
    [
        "a%2Bb",
        "a+b",
        "a%20b",
        "x:y/z?w=1",
        "%E2%82%AC",
        "",
        "a%26b%3Dc",
        "%25",
        "~._-",
        "[1]",
        "e" * 3000,
        "a=b==",
        "%",
    ],
)
async def test_the_state_comes_back_as_it_was_written(house: House, state: str) -> None:
    answer = await house.authorize(query_with(state=state))

    assert location(answer).partition("&state=")[2] == state


async def test_no_state_comes_back_where_none_was_sent(house: House) -> None:
    assert "state" not in location(await house.authorize(query_with()))


async def test_a_state_cannot_break_out_of_its_header(house: House) -> None:
    query = query_with(state='a"<b>%0d%0aSet-Cookie:x')

    assert location(await house.authorize(query)).endswith("&state=a%22%3Cb%3E%0d%0aSet-Cookie:x")


@pytest.mark.parametrize(
    ("uri", "before"),
    [
        (
            "https%3A%2F%2Fjeedom.example%2Fo.php%3Faction%3Dautorize",
            "https://jeedom.example/o.php?action=autorize&code=",
        ),
        ("https://jeedom.example/o.php?action=autorize", "https://jeedom.example/o.php?action=autorize&code="),
        ("http://hass.local:8123/auth/external/callback", "http://hass.local:8123/auth/external/callback?code="),
        ("https%3A%2F%2F1.2.3.4%2Fauthorize", "https://1.2.3.4/authorize?code="),
        ("http%3A%2F%2F%5B%3A%3A1%5D%3A80%2Fcb", "http://[::1]:80/cb?code="),
        ("my.app%3A%2F%2Fcallback", "my.app://callback?code="),
        ("my.app:/callback", "my.app:/callback?code="),
        ("https%3A%2F%2Fb%C3%BCcher.example%2Fa%20b%C3%A9", "https://xn--bcher-kva.example/a%20b%C3%A9?code="),
        ("https://example.com", "https://example.com/?code="),
        ("https%3A%2F%2Fexample.com%2Fa%3Fb%3D%2526", "https://example.com/a?b=%26&code="),
    ],
)
async def test_a_person_is_sent_to_any_redirect_uri(house: House, uri: str, before: str) -> None:
    assert location(await house.authorize(query_with(redirect_uri=uri))).startswith(before)


async def test_a_fragment_stays_behind_the_answer(house: House) -> None:
    sent = location(await house.authorize(query_with(redirect_uri="https%3A%2F%2Fexample.com%2F%23%2Fapp", state="s")))

    assert sent.startswith("https://example.com/?code=")
    assert sent.endswith("&state=s#/app")


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "JavaScript://x/%250aalert(1)", "data:text/html,x", "data:/x", "vbscript:/x", "file:///etc/passwd",
        "blob:https://x/y", "intent://x", "//example.com/x", "/x", "example.com/api", "https:///x", "http:", "https://",
        "https%3A%2F%2Fgood.example%5C@evil.example", "https://user:pw@example.com/", "https%3A%2F%2Fa%0Ab.example",
        "https://exa%20mple.com/", "http://[::1/", "http://example.com:99999/", "http://example.com:x/", "mailto:/x",
        "https%3A%2F%2Fexample.com%252f@x/", "about:/blank", "x", "%00", "http://" + "a" * 5000,
    ],
)  # fmt: skip
async def test_nobody_is_sent_to_what_is_no_address_of_a_client(house: House, uri: str) -> None:
    shown, posted = await show(house, query_with(redirect_uri=uri)), await house.authorize(query_with(redirect_uri=uri))

    for refused in (shown, posted):
        assert refused.status == 400
        assert "location" not in refused.headers


async def test_an_operator_can_restrict_where_people_are_sent() -> None:
    house = await empty_house(redirect_hosts=["Example.com", "*.home-assistant.io", "localhost:19239", "my.app:"])
    allowed = [
        "https://example.com/api", "http://example.com:8123/x", "https://my.home-assistant.io/redirect/oauth",
        "http://localhost:19239/callback", "my.app://x",
    ]  # fmt: skip
    refused = [
        "https://evil.example/", "https://example.com.evil.example/", "http://localhost:1/callback", "other.app://x",
        "https://home-assistant.io/", "https://evilhome-assistant.io/", "https://sub.example.com/",
    ]  # fmt: skip

    assert [(await show(house, query_with(redirect_uri=uri))).status for uri in allowed] == [200] * len(allowed)
    assert [(await show(house, query_with(redirect_uri=uri))).status for uri in refused] == [400] * len(refused)


@pytest.mark.parametrize("missing", ["response_type", "client_id", "redirect_uri"])
async def test_a_link_that_lacks_something_is_explained(house: House, missing: str) -> None:
    page = await show(house, query_with(**{missing: None}), accept="text/html")
    program = await show(house, query_with(**{missing: None}), accept="application/json")

    assert (page.status, program.status) == (400, 400)
    assert missing in Form(page.text).text
    assert not Form(page.text).all("form")
    assert program.json()["error"] == "invalid_request"
    assert missing in program.json()["error_description"]


async def test_another_response_type_is_refused(house: House) -> None:
    assert (await show(house, query_with(response_type="token"))).status == 400


async def test_a_program_whose_login_is_refused_is_told_as_the_cloud_does(house: House) -> None:
    said = answer("ondilo", "a login refused")

    refused = await house.authorize(QUERY, password="wrong")

    assert (refused.status, refused.headers["location"]) == (said.status, said.headers["location"])


async def test_a_person_whose_login_is_refused_sees_the_form_again(house: House) -> None:
    refused = await house.authorize(QUERY, password="wrong", accept="text/html,*/*")

    form = Form(refused.text)
    inputs = {entry["name"]: entry for entry in form.all("input")}
    assert refused.status == 403
    assert "do not belong together" in form.text
    assert inputs["login"]["value"] == "john@doe.org"
    assert "value" not in inputs["password"]
    assert "location" not in refused.headers


@pytest.mark.parametrize(("wanted", "status"), [("form", 403), ("redirect", 302)])
async def test_what_follows_a_refused_login_can_be_set(wanted: str, status: int) -> None:
    house = await empty_house(refused_login=wanted)

    for accept in ("text/html", "*/*"):
        assert (await house.authorize(QUERY, password="wrong", accept=accept)).status == status


async def test_too_many_refused_logins_are_told_to_wait(house: House) -> None:
    for _ in range(10):
        await house.authorize(QUERY, password="wrong")

    person = await house.authorize(QUERY, accept="text/html")
    program = await house.authorize(QUERY)

    assert (person.status, program.status) == (429, 429)
    assert int(person.headers["retry-after"]) > 60
    assert int(program.headers["retry-after"]) > 60
    assert "Too many" in Form(person.text).text
    assert program.json()["error"] == "temporarily_unavailable"


async def test_a_person_may_decline(house: House) -> None:
    links = [entry["href"] for entry in Form((await show(house, QUERY)).text).all("a")]

    assert answer("ondilo", "a login refused").headers["location"] in links


@pytest.mark.parametrize(
    ("query", "accept_language", "language"),
    [
        ("", "", "en"), ("", "fr-FR,fr;q=0.9,en;q=0.8", "fr"), ("", "es,de;q=0.7,fr;q=0.3", "de"), ("&locale=fr", "de", "fr"),
        ("&locale=xx", "de", "de"), ("", "es", "en"), ("", ";;;q=x,,fr;q=nonsense", "fr"), ("", "en;q=0.1,fr;q=0.2", "fr"),
    ],
)  # fmt: skip
async def test_the_page_speaks_the_persons_language(
    house: House, query: str, accept_language: str, language: str
) -> None:
    page = await show(house, QUERY + query, accept_language=accept_language)

    form = Form(page.text)
    assert form.all("html") == [{"lang": language}]
    assert [entry["value"] for entry in form.all("input") if entry["name"] == "locale"] == [language]


@pytest.mark.parametrize("state", ["Jx8", "a%20b+c%2Bd:e", "%E2%82%AC"])
async def test_another_language_keeps_the_clients_request_byte_for_byte(house: House, state: str) -> None:
    query = query_with(state=state)
    links = [entry["href"] or "" for entry in Form((await show(house, query + "&locale=de")).text).all("a")]

    assert [link for link in links if link.endswith("locale=fr")] == [f"?{query}&locale=fr"]


async def test_the_page_can_neither_be_framed_nor_kept_nor_run_anything(house: House) -> None:
    page = await show(house, QUERY)

    policy = page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action" not in policy  # the redirect to the client would be blocked


async def test_what_somebody_typed_is_text_on_the_page(house: House) -> None:
    body = b"login=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&password=x"

    page = await call(house.app, "POST", f"{AUTHORIZE}?{QUERY}&%22%3E%3Cscript%3E=1", {"accept": "text/html"}, body)

    assert not Form(page.text).all("script")
    assert [e["value"] for e in Form(page.text).all("input") if e["name"] == "login"] == ['"><script>alert(1)</script>']


@pytest.mark.parametrize("password", ["a+b&c=d%41", "pass word", "пароль", "🏊 & ÿ", "%2B", "\t x "])
async def test_any_password_can_be_typed(house: House, password: str) -> None:
    (john, *_) = [user for user in await house.store.users() if user.email == "john@doe.org"]
    await house.store.put_user(replace(john, password_hash=hash_password(password)))

    assert "code=" in location(await house.authorize(QUERY, password=password))


async def test_a_password_sent_as_bare_utf_8_is_understood(house: House) -> None:
    body = "login=john@doe.org&password=p%26ss w%2Brd é".encode()

    answer = await call(house.app, "POST", f"{AUTHORIZE}?{QUERY}", {}, body)

    assert "code=" in location(answer)


async def test_a_request_that_is_all_in_the_body_is_understood(house: House) -> None:
    body = f"{QUERY}&login=john%40doe.org&password=p%26ss%20w%2Brd%20%C3%A9".encode()

    sent = location(await call(house.app, "POST", AUTHORIZE, {}, body))

    assert sent.startswith("https://example.com/api?code=")
    assert sent.endswith("&state=Jx8")


@pytest.mark.parametrize("body", [b"", b"login=john@doe.org", b"\xff\xfe", b"{", b"a" * 70_000, b"&" * 500])
async def test_a_form_that_makes_no_sense_gives_no_code(house: House, body: bytes) -> None:
    answer = await call(house.app, "POST", f"{AUTHORIZE}?{QUERY}", {"accept": "text/html"}, body)

    assert answer.status in {400, 403}


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("OPTIONS", 204), ("PUT", 405), ("DELETE", 405)])
async def test_other_methods_of_the_page(house: House, method: str, status: int) -> None:
    answer = await call(house.app, method, f"{AUTHORIZE}?{QUERY}")

    assert answer.status == status
    if status != 200:
        assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
