"""Accounts at an imitated cloud, which is a process of its own."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit

import pytest
from msgspec.structs import replace

from margelle.cli.callback import code_of, redirect_uri
from margelle.cli.wanted import Wanted
from margelle.errors import BadInput, Refused
from margelle.ports import Rate
from margelle.vendors import VENDORS
from tests.cli.conftest import CLOUD_PASSWORD, Ended, Margelle, Start, audit
from tests.system import free_port

OWNER = "owner@clouds.example"


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture
def anna(margelle: Margelle) -> None:
    assert margelle("user", "add", "anna@example.org", "--password-stdin", stdin="anna's secret\n").code == 0


@pytest.fixture
def port() -> int:
    """A port that is free."""
    return free_port()


def _add(margelle: Margelle, clouds: str, *more: str, password: str = CLOUD_PASSWORD, login: str = OWNER) -> Ended:
    return margelle(
        "account", "add", "ondilo", "--base-url", clouds, "--login", login, "--password-stdin", *more, stdin=password
    )


def _accounts(margelle: Margelle) -> list[dict[str, Any]]:
    accounts: list[dict[str, Any]] = json.loads(margelle("account", "list", "--json").out)
    return accounts


@pytest.mark.usefixtures("anna")
def test_an_account_is_added_checked_listed_and_removed(margelle: Margelle, clouds: str, tmp_path: Path) -> None:
    realm = urlsplit(clouds).netloc
    added = _add(margelle, clouds)
    assert (added.code, added.err) == (0, "Looking up what it has\n")
    assert "ondilo is signed in; it belongs to anna@example.org." in added.out
    assert f"ondilo@{realm}:31415  Piscine du mas" in added.out

    assert [
        {name: one[name] for name in ("id", "login", "owner", "cloud", "realm", "sites", "state")}
        for one in _accounts(margelle)
    ] == [
        {
            "id": "ondilo",
            "login": OWNER,
            "owner": "anna@example.org",
            "cloud": clouds,
            "realm": realm,
            "sites": 3,
            "state": "ok",
        }
    ]
    assert f"ondilo  ondilo  {OWNER}" in margelle("account", "list").out

    checked = margelle("account", "check")
    assert checked.code == 0
    assert re.search(r"ondilo: works\. .+: \d+ values\.\n  \d+ of 22 requests are left for this hour\.", checked.out)
    one, other = (json.loads(margelle("account", "check", "ondilo", "--json").out)[0] for _ in range(2))
    assert one["requests_left"] - other["requests_left"] == 1

    assert (margelle("account", "pause", "ondilo").code, margelle("account", "resume", "ondilo").code) == (0, 0)
    removed = margelle("account", "remove", "ondilo")
    assert removed.code == 0
    assert removed.out == "ondilo is removed, and its token forgotten. 0 measurements kept.\n"
    assert _accounts(margelle) == []
    done = [one.act for one in reversed(audit(tmp_path)) if one.subject == "ondilo"]
    assert done == ["connect", "pause", "resume", "remove account"]


@pytest.mark.usefixtures("anna")
def test_a_wrong_password_keeps_nothing_and_is_shown_nowhere(margelle: Margelle, clouds: str, tmp_path: Path) -> None:
    ended = _add(margelle, clouds, password="falsch-5ecre7")
    assert ended.code == 1
    assert "refused the login" in ended.err
    assert "5ecre7" not in ended.out + ended.err
    assert _accounts(margelle) == []
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(file.name.startswith("margelle.sqlite") for file in files)
    assert not [file for file in files if b"5ecre7" in file.read_bytes()]


@pytest.mark.usefixtures("anna")
def test_adding_the_same_login_again_signs_it_in_again(margelle: Margelle, clouds: str) -> None:
    _add(margelle, clouds)
    again = _add(margelle, clouds, login=OWNER.upper())
    assert (again.code, again.out.splitlines()[0]) == (0, "ondilo is signed in again; it belongs to anna@example.org.")
    assert len(_accounts(margelle)) == 1
    other = _add(margelle, clouds, login="neighbour@clouds.example")
    assert other.out.startswith("ondilo-2 is signed in;")


@pytest.mark.usefixtures("anna")
def test_a_used_up_budget_is_no_failed_login(margelle: Margelle, clouds: str) -> None:
    _add(margelle, clouds)
    _add(margelle, clouds)
    checked = margelle("account", "check")
    assert checked.code == 3
    assert checked.out.startswith("ondilo: not checked. The request budget of ondilo is used up")
    assert "0 of 22 requests are left" in checked.out


@pytest.mark.usefixtures("anna")
def test_another_users_account_is_not_taken_over(margelle: Margelle, clouds: str) -> None:
    _add(margelle, clouds)
    margelle("user", "add", "bob@example.org", "--password-stdin", stdin="bob's secret")
    unsaid = _add(margelle, clouds)
    assert unsaid.code == 2
    assert "Say --owner, one of: anna@example.org, bob@example.org." in unsaid.err
    assert _add(margelle, clouds, "--owner", "bob@example.org", "--id", "ondilo").code == 1
    assert "There is no user 'carl'" in _add(margelle, clouds, "--owner", "carl").err


def test_an_account_belongs_to_somebody(margelle: Margelle, clouds: str) -> None:
    ended = _add(margelle, clouds)
    assert ended.code == 2
    assert "Add a user first: margelle user add" in ended.err
    assert "margelle user add anna@example.org" in _add(margelle, clouds, "--owner", "anna@example.org").err


@pytest.mark.usefixtures("anna")
def test_an_address_without_the_faces_path_is_asked_about(margelle: Margelle, clouds: str) -> None:
    ended = _add(margelle, clouds.removesuffix("/ondilo"))
    assert ended.code == 1
    assert "404" in ended.err
    assert "A hub's face ends in /ondilo." in ended.err


@pytest.mark.usefixtures("anna")
def test_the_same_login_under_two_ids_is_noticed(margelle: Margelle, clouds: str) -> None:
    _add(margelle, clouds)
    twice = _add(margelle, clouds, "--id", "second")
    assert twice.code == 0
    assert "ondilo is the same login" in twice.err
    assert "is the same login" not in _add(margelle, clouds, login="neighbour@clouds.example").err


@pytest.mark.usefixtures("anna")
def test_an_input_that_ends_at_the_question_is_a_clear_error(margelle: Margelle, clouds: str) -> None:
    ended = margelle("account", "add", "ondilo", "--base-url", clouds, "--paste")
    assert ended.code == 2
    assert "Error: The input ended before an answer came" in ended.err


@pytest.mark.usefixtures("anna")
def test_a_cloud_that_is_not_there_is_a_clear_error(margelle: Margelle) -> None:
    ended = _add(margelle, "http://127.0.0.1:9/ondilo")
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err
    assert _accounts(margelle) == []


@pytest.mark.parametrize("arguments", [("add", "flippr"), ("check", "nobody"), ("remove", "nobody")])
@pytest.mark.usefixtures("anna")
def test_what_is_not_there_is_an_error_that_says_what_is(margelle: Margelle, arguments: tuple[str, str]) -> None:
    ended = margelle("account", *arguments, *(["--no-browser"] if arguments[0] == "add" else []))
    assert ended.code in {1, 2}
    assert "There is no" in ended.err


def test_signing_in_by_browser_comes_back_to_this_machine(
    margelle: Margelle, start: Start, clouds: str, port: int
) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="anna's secret\n")
    running = start("account", "add", "ondilo", "--base-url", clouds, "--no-browser", "--callback-port", str(port))
    url = running.until(r"^  (http\S+)")[1]
    running.until("Waiting for it")
    assert _opened(f"{redirect_uri(port)}?code=1234&state=somebody-else") == 400
    location = _signed_in(url)
    assert location.startswith(redirect_uri(port))
    assert _opened(location) == 200
    assert running.ended() == 0, running.text
    assert "ondilo is signed in; it belongs to anna@example.org." in running.text
    assert margelle("account", "check").code == 0


@pytest.mark.usefixtures("anna")
def test_signing_in_on_another_machine_by_pasting_the_address(
    margelle: Margelle, clouds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("margelle.cli.callback.secrets.token_urlsafe", lambda _: "fixed")
    query = {
        "response_type": "code",
        "client_id": "customer_api",
        "redirect_uri": redirect_uri(19239),
        "scope": "api",
        "state": "fixed",
    }
    location = _signed_in(f"{clouds}/oauth2/authorize?{urlencode(query)}")
    pasted = margelle("account", "add", "ondilo", "--base-url", clouds, "--paste", stdin=f" {location} \n")
    assert pasted.code == 0, pasted.err
    assert f"{clouds}/oauth2/authorize?{urlencode(query)}" in pasted.out
    assert "ondilo is signed in" in pasted.out
    again = margelle(
        "account", "add", "ondilo", "--base-url", clouds, "--paste", stdin="http://localhost:19239/callback\n"
    )
    assert again.code == 2
    assert "Begin again" in again.err


def test_a_login_refused_in_the_browser_ends_with_an_error(
    margelle: Margelle, start: Start, clouds: str, port: int
) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="anna's secret\n")
    running = start("account", "add", "ondilo", "--base-url", clouds, "--no-browser", "--callback-port", str(port))
    state = re.search(r"state=([\w-]+)", running.until(r"^  (http\S+)")[1])
    assert state
    running.until("Waiting for it")
    assert _opened(f"{redirect_uri(port)}?error=access_denied&state={state[1]}") == 200
    assert running.ended() == 1
    assert "The cloud refused the login" in running.text


def _signed_in(url: str) -> str:
    """The address to which the cloud sends the browser on."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    form = urlencode({"login": "neighbour@clouds.example", "password": CLOUD_PASSWORD, "proceed": "Authorize"}).encode()
    try:
        urllib.request.build_opener(Stay).open(url, form, timeout=20)
    except HTTPError as answer:
        assert answer.code == 302
        with answer:
            return str(answer.headers["Location"])
    raise AssertionError("not sent on")


def _opened(url: str) -> int:
    try:
        with urllib.request.urlopen(url.replace("localhost", "127.0.0.1"), timeout=20) as answer:
            assert b"Traceback" not in answer.read()
            return int(answer.status)
    except HTTPError as answer:
        with answer:
            return answer.code


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"error": "access_denied", "state": "s"}, Refused),
        ({"code": "1", "state": "other"}, BadInput),
        ({"code": "1"}, BadInput),
        ({"code": "1", "state": "é"}, BadInput),
        ({"state": "s"}, BadInput),
        ({"code": "", "state": "s"}, BadInput),
        ({}, BadInput),
    ],
)
def test_a_redirect_that_is_not_ours_gives_no_code(query: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        code_of(query, "s")


def test_a_redirect_that_is_ours_gives_its_code() -> None:
    assert code_of({"code": "abc", "state": "s", "more": "x"}, "s") == "abc"


@pytest.mark.parametrize(
    "base_url",
    [
        "cloud",
        "ftp://cloud",
        "http://",
        "http://me:secret@cloud",
        "http://cloud?x=1",
        "http://[::1",
        "http://cloud:99999",
        "http://cloud:0",
    ],
)
def test_an_address_that_is_no_clouds_is_refused(base_url: str) -> None:
    with pytest.raises(BadInput):
        Wanted("ondilo", "", "", base_url, "", "")


@pytest.mark.parametrize("name", ["a/b", "-x", "a b", "é", "x" * 101])
def test_an_id_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        Wanted("ondilo", "", "", "", "", name)


def test_another_cloud_has_a_realm_and_the_vendors_own_has_none() -> None:
    assert Wanted("ondilo", "", "", "http://127.0.0.1:8081/ondilo", "", "").realm == "127.0.0.1:8081"
    assert Wanted("ondilo", "", "", "http://127.0.0.1:8081/ondilo", "test", "").realm == "test"
    assert Wanted("ondilo", "", "", "", "", "").realm == ""


@pytest.mark.usefixtures("anna")
def test_a_cloud_without_a_page_to_sign_in_is_signed_in_to_here(
    margelle: Margelle, clouds: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(VENDORS, "baxo", replace(VENDORS["baxo"], pace=(Rate(120, 3600),)))
    refused = margelle("account", "add", "baxo", "--no-browser")
    assert refused.code == 2
    assert "--login" in refused.err
    url = clouds.replace("/ondilo", "/baxo")
    login = ("--base-url", url, "--login", OWNER, "--password-stdin")
    wrong = margelle("account", "add", "baxo", *login, stdin="wrong")
    assert wrong.code != 0
    assert "activated for them" in wrong.err
    added = margelle("account", "add", "baxo", *login, stdin=CLOUD_PASSWORD)
    assert added.code == 0, added.err
    assert "Réservoir du Deven" in added.out
    assert "6 values" in margelle("account", "check", "baxo").out
    status = margelle("status").out
    assert status.count("it was found to be in universal time (UTC). Its newest value has ") == 1, (
        "once, for all its sites"
    )
    (told,) = json.loads(margelle("status", "--json").out)["accounts"]
    for site in told["sites"]:
        assert len([one for one in site["remarks"] if "found to be in universal time (UTC)" in one]) == 1
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CLOUD_PASSWORD.encode() not in path.read_bytes(), path
    monkeypatch.setenv("MARGELLE_BAXO_TAGS", "PH=hp")
    assert "no quantity 'hp'" in margelle("account", "list").err
