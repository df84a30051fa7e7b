"""A secret survives redaction in no writing; what is no secret does in all."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from margelle.ports import Token
from margelle.redaction import _KEY, _WORDS, is_telling, redact

MARK = "Zq7"
"""Stands at both ends and in the middle of every secret here, and in no other text: a part of a secret is a secret."""

NASTY = st.text(
    st.one_of(st.sampled_from("\"'\\&=%+ ;,:/?#@<>{}[]()\n\t*~!`$|.0aé😀"), st.characters(exclude_categories=["Cs"])),
    max_size=12,
)
SECRET = st.builds(lambda a, b: f"{MARK}{a}{MARK}{b}{MARK}", NASTY, NASTY).filter(
    lambda secret: secret.count(MARK) == 3
)
KEYS = [
    "access_token", "refresh_token", "id_token", "token", "accessToken", "refreshToken", "password", "Password", "passwd", "pwd", "newPassword",
    "client_secret", "clientSecret", "secret", "authorization", "Authorization", "code", "authorization_code", "authCode", "api_key", "apiKey", "X-Api-Key",
    "cookie", "Set-Cookie", "session_id", "j_password", "user[password]", "password_confirmation", "code_verifier", "credentials", "JSESSIONID",
]  # fmt: skip
KEY = st.sampled_from(KEYS)
WORDY_KEY = KEY.filter(lambda key: key != "code")


def kept_out(text: str) -> str:
    """The redacted text, which holds nothing of the secret, and is not changed by being redacted again."""
    redacted = redact(text)
    assert MARK not in redacted, redacted
    assert redact(redacted) == redacted
    return redacted


def deep(value: object, depth: int, *, ensure_ascii: bool = True) -> str:
    """`value` as JSON in a string in JSON, so many times."""
    text = json.dumps(value, ensure_ascii=ensure_ascii)
    return text if depth == 0 else deep({"body": text, "n": 1}, depth - 1, ensure_ascii=ensure_ascii)


@given(key=KEY, secret=SECRET, depth=st.integers(0, 3), ensure_ascii=st.booleans())
@example(key="token", secret=f'{MARK}\\{MARK}"{MARK}', depth=2, ensure_ascii=True)
def test_in_json_however_deep(key: str, secret: str, depth: int, ensure_ascii: bool) -> None:
    text = kept_out(deep({"login": "zoe@example.com", key: secret, "after": 5}, depth, ensure_ascii=ensure_ascii))
    value: object = text
    for _ in range(depth + 1):
        value = json.loads(value if isinstance(value, str) else value["body"])  # type: ignore[index]
    assert value == {"login": "zoe@example.com", key: "***", "after": 5}


@given(key=KEY, secret=SECRET, number=st.integers(), indent=st.sampled_from([None, 2]))
def test_in_lists_objects_and_numbers_under_a_telling_key(
    key: str, secret: str, number: int, indent: int | None
) -> None:
    kept_out(json.dumps({key: {"value": secret, "more": [secret]}, "x": [{key: [secret, secret]}]}, indent=indent))
    assert str(number) not in redact(json.dumps({key: number})) or str(number) in redact(key)


@given(key=KEY, secret=SECRET, data=st.data())
def test_in_json_cut_anywhere(key: str, secret: str, data: st.DataObject) -> None:
    text = json.dumps({"login": "zoe", key: secret, "after": {key: [secret]}})
    kept_out(text[: data.draw(st.integers(0, len(text)))])


@given(key=KEY, secret=SECRET)
def test_in_json_that_is_encoded_for_html_or_an_address(key: str, secret: str) -> None:
    text = json.dumps({key: secret, "after": 1})
    kept_out(f'<input type="hidden" data-page="{html.escape(text)}">')
    kept_out(f"state={quote(text)}")
    kept_out(f"state={quote_plus(text)}&x=1")


@given(key=KEY, secret=SECRET)
def test_in_a_repr(key: str, secret: str) -> None:
    kept_out(repr({"login": "zoe", key: secret, "after": 1}))
    kept_out(repr({key: secret.encode()}))
    kept_out(repr([("login", "zoe"), {key: {"a": secret}}]))
    kept_out(repr(Token(access=secret, refresh=secret)))
    kept_out(f"raised by renew({Token(secret, secret)!r}) at 0x7f")


@given(key=KEY, secret=SECRET, quoted=st.sampled_from([quote_plus, quote, lambda text: quote(text, safe="!'()*~")]))
def test_in_a_form_or_query(key: str, secret: str, quoted: Callable[[str], str]) -> None:
    pair = f"{key}={quoted(secret)}"
    assert (
        kept_out(f"login=zoe%40example.com&{pair}&proceed=Authorize")
        == f"login=zoe%40example.com&{key}=***&proceed=Authorize"
    )
    kept_out(f'"GET /oauth2/token?{pair} HTTP/1.1" 200')
    kept_out(f"Location: http://localhost/cb?{pair}&state=1")
    kept_out(json.dumps({"url": f"https://cloud.example/x?a=1&{pair}", "status": 200}))
    kept_out(json.dumps({"url": f"https://cloud.example/x?a=1&{pair}"}).replace("&", "\\u0026").replace("/", "\\/"))


@given(key=KEY, secret=SECRET)
def test_in_an_address_within_an_address(key: str, secret: str) -> None:
    inner = "https://app.example/cb?" + urlencode({"state": "1", key: secret, "after": "2"}, safe="[]")
    kept_out(f"https://cloud.example/authorize?redirect_uri={quote(inner, safe='')}&scope=api")


@given(secret=SECRET, user=st.sampled_from(["", "zoe", "zoe%40example.com"]))
def test_before_the_host_of_an_address(secret: str, user: str) -> None:
    address = f"https://{user}:{quote(secret, safe='')}@cloud.example/pools?x=1"
    assert kept_out(f"asking {address}") == "asking https://***@cloud.example/pools?x=1"
    kept_out(json.dumps(address).replace("/", "\\/"))
    kept_out(f"next={quote(address, safe='')}&x=1")


@given(
    name=st.sampled_from(["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Auth-Token"]),
    secret=SECRET,
)
def test_in_a_header(name: str, secret: str) -> None:
    value = "".join(character for character in secret if character.isprintable())
    for scheme in ("", "Bearer ", "Basic ", "Custom "):
        assert kept_out(f"Accept: */*\r\n{name}: {scheme}{value}\r\nX-Next: 1").endswith("\r\nX-Next: 1")


@given(secret=st.from_regex(r"\AZq7[A-Za-z0-9._~+/-]{1,40}Zq7=*\Z"))
def test_after_a_scheme_anywhere(secret: str) -> None:
    kept_out(f"the cloud refused Bearer {secret}.")
    kept_out(f"you sent the token {secret}{'f' * 16}; it has expired")
    kept_out(f"curl -H 'authorization: bearer {secret}' https://cloud.example/")


@given(key=WORDY_KEY, secret=SECRET)
def test_in_a_page_a_part_or_an_element(key: str, secret: str) -> None:
    escaped = html.escape(secret)
    for order in (
        f'name="{key}" value="{escaped}"',
        f"value='{escaped}' name='{key}'",
        f'type="password" value="{escaped}" name="x"',
    ):
        if (
            "key" in key.lower()
            or any(word in key.lower() for word in ("token", "pass", "pwd", "secret", "code"))
            or "type" in order
        ):
            assert kept_out(f'<input name="login" value="zoe"><input {order}> end').endswith(" end")
    kept_out(f"<answer><password>{escaped}</password><accessToken>{escaped}</accessToken></answer>")
    single = "".join(character for character in secret if character.isprintable())
    kept_out(f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{single}\r\n--b--')


@given(secret=SECRET, around=st.text(max_size=5))
def test_a_known_secret_goes_wherever_it_stands(secret: str, around: str) -> None:
    text = json.dumps({"message": f"{around}{secret}{around}"})
    for written in (
        text,
        secret,
        json.dumps(text),
        json.dumps(secret, ensure_ascii=False),
        html.escape(secret),
        quote(secret),
        quote_plus(secret),
    ):
        assert MARK not in redact(f"{around}{written}{around}", [secret])


def test_a_short_known_secret_does_not_blacken_every_word() -> None:
    assert redact("aquarium", ["a"]) == "aquarium"


@pytest.mark.parametrize(
    "text",
    [
        '[{"data_type":"ph","value":7.2,"value_time":"2026-07-14 12:00:00","is_valid":true,"exclusion_reason":null}]',
        '{"id":234,"name":"Zoé\'s pool","address":{"street":"1 rue X","zipcode":"69001","city":"Lyon","country_code":"FR"}}',
        '{"uuid":"ABCDEF","serial_number":"W1122333","sw_version":"1.7.1-stable"}',
        '{"error":{"message":"Cannot get user\\u0027s pools 1"}}',
        '{"token_type":"Bearer","expires_in":3600,"scope":"api"}',
        '{"access_token":null,"password":false,"token":""}',
        "grant_type=authorization_code&client_id=customer_api&scope=api&state=xyz&login=zoe%40example.com",
        "https://interop.ondilo.com/api/customer/v1/pools/234/lastmeasures?types[]=ph&types[]=orp",
        "write to zoe@example.com or see https://cloud.example/a?mail=zoe@example.com",
        "The cloud answered 404: status code 404, error_code=7, postcode=69001, access denied: pass on",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text())
def test_any_text_can_be_redacted_twice_alike(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_a_hostile_text_does_not_make_redaction_slow() -> None:
    """Each of these is quadratic for a careless pattern: 128 kB would take minutes, and the test's time-out ends it."""
    for part in (
        "\\", '"token":"', "token=", "<input ", "name=token\n", "//a", "bearer ", '"token":"\\', "a", "%2f%2fa%40", "token: ", "token='\\", '"token":[',
        "<input name=", "<token ", "tokena", "'token':&quot;", 'name="token"\n\n', "[{", "%22token%22%3A%22%5C", "<input name=token value=", "//a@",
    ):  # fmt: skip
        redact(part * (128 * 1024 // len(part)))


@pytest.mark.parametrize(
    ("name", "telling"),
    [(key, True) for key in KEYS]
    + [
        ("login", False),
        ("username", False),
        ("state", False),
        ("client_id", False),
        ("types[]", False),
        ("grant_type", False),
    ],
)
def test_names_tell(name: str, telling: bool) -> None:
    assert is_telling(name) is telling


@given(st.from_regex(_KEY, fullmatch=True))
def test_whatever_is_taken_for_a_key_holds_one_of_the_words_that_are_looked_for_first(key: str) -> None:
    assert not key.isascii() or any(word in key.lower() for word in _WORDS)


def test_what_is_said_about_a_token_stays() -> None:
    for text in ("The token endpoint answered an empty token.", "token uncharacteristically long", "token 2 of 3"):
        assert redact(text) == text
