from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from margelle.serve.pages.session import COOKIE
from tests.asgi import call
from tests.serve.pages.conftest import POOL, Hub, cookie, measured
from tests.serve.pages.text import said, tags

MARIE, PAUL = "marie@example.org", "paul@example.org"


async def test_a_stranger_is_led_to_the_door_in_the_language_they_asked_for(hub: Hub) -> None:
    app = hub.app(public=False)
    assert (await call(app, "GET", "/")).headers["location"] == "/sign-in"
    answer = await call(app, "GET", "/?lang=fr")
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?lang=fr")
    assert answer.headers["cache-control"] == "no-store"
    assert (await call(app, "GET", "/?lang=//evil.example")).headers["location"] == "/sign-in"


async def test_each_user_sees_their_own_sites_only(hub: Hub) -> None:
    await hub.own(MARIE, POOL)
    await hub.own(PAUL, replace(POOL, id="bluewater:2", key="2", name="Spa de Paul"))
    app = hub.app(public=False)
    for login, own, other in ((MARIE, "grand", "Spa de Paul"), (PAUL, "Spa de Paul", "grand")):
        entered = await hub.sign_in(app, login)
        assert (entered.status, entered.headers["location"]) == (303, "/")
        text = said((await call(app, "GET", "/", {"cookie": cookie(entered)})).text)
        assert own in text
        assert other not in text
        assert login in text, "their own account"


async def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(hub: Hub) -> None:
    await hub.own(MARIE)
    entered = await hub.sign_in(hub.app(public=False), MARIE)
    attributes = {part.strip().lower() for part in entered.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=2592000"} <= attributes
    assert "secure" not in attributes, "over plain HTTP it would never come back"


async def test_a_session_ends_after_thirty_days(hub: Hub) -> None:
    await hub.own(MARIE)
    app = hub.app(public=False)
    entered = await hub.sign_in(app, MARIE)
    hub.now += timedelta(days=30)
    assert (await call(app, "GET", "/", {"cookie": cookie(entered)})).status == 303


async def test_signing_out_ends_the_session_on_the_server_too(hub: Hub) -> None:
    await hub.own(MARIE)
    app = hub.app(public=False)
    session = {"cookie": cookie(await hub.sign_in(app, MARIE))}
    left = await call(app, "POST", "/sign-out?lang=fr", session)
    assert (left.status, left.headers["location"]) == (303, "/sign-in?lang=fr")
    assert f'{COOKIE}=""' in left.headers["set-cookie"]
    assert (await call(app, "GET", "/", session)).status == 303


@pytest.mark.parametrize("value", ["", "0" * 40, "%F0", '"; a="b', "é"])
async def test_an_invented_session_is_none(hub: Hub, value: str) -> None:
    await hub.own(MARIE)
    assert (await call(hub.app(public=False), "GET", "/", {"cookie": f"{COOKIE}={value}"})).status == 303


async def test_a_faces_token_is_no_session(hub: Hub) -> None:
    from margelle.serve.sign_in import FaceDesk

    await hub.own(MARIE)
    token = await FaceDesk("bluewater", hub.store, hub.clock).issue("access", MARIE, life_s=3600)
    assert (await call(hub.app(public=False), "GET", "/", {"cookie": f"{COOKIE}={token}"})).status == 303


async def test_a_wrong_password_shows_the_form_again_with_a_reason_and_without_the_password(hub: Hub) -> None:
    await hub.own(MARIE)
    answer = await hub.sign_in(hub.app(public=False), MARIE, "guess-me-not", **{"accept-language": "fr"})
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    assert "Cet e-mail et ce mot de passe ne vont pas ensemble." in said(answer.text)
    assert "guess-me-not" not in answer.text


async def test_too_many_refusals_say_how_long_to_wait(hub: Hub) -> None:
    await hub.own(MARIE)
    app = hub.app(public=False)
    for _ in range(10):
        assert (await hub.sign_in(app, MARIE, "guess")).status == 403
    answer = await hub.sign_in(app, MARIE)
    assert (answer.status, answer.headers["retry-after"]) == (429, "900")
    assert "Try again in 15 min." in said(answer.text)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://hub.example", "http://hub.example:8080.evil"]
)
async def test_a_form_from_another_site_is_refused_unread(hub: Hub, origin: str) -> None:
    await hub.own(MARIE)
    app = hub.app(public=False)
    answer = await hub.sign_in(app, MARIE, origin=origin)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    session = {"cookie": cookie(await hub.sign_in(app, MARIE))}
    assert (await call(app, "POST", "/sign-out", {**session, "origin": origin})).status == 403
    assert (await call(app, "GET", "/", session)).status == 200


@pytest.mark.parametrize("origin", ["http://hub.example:8080", "https://hub.example:8080"])
async def test_the_hubs_own_form_is_taken_also_behind_a_proxy_that_ended_tls(hub: Hub, origin: str) -> None:
    await hub.own(MARIE)
    assert (await hub.sign_in(hub.app(public=False), MARIE, origin=origin)).status == 303


async def test_behind_a_proxy_the_form_comes_from_the_public_address_and_the_cookie_goes_back_over_tls_only(
    hub: Hub,
) -> None:
    await hub.own(MARIE)
    app = hub.app(public=False, public_url="https://water.example")
    entered = await hub.sign_in(app, MARIE, origin="https://water.example")
    assert entered.status == 303
    assert "secure" in entered.headers["set-cookie"].lower().split("; ")
    assert (await hub.sign_in(app, MARIE, origin="https://evil.example")).status == 403


@pytest.mark.parametrize("body", [b"", b"login", b"login=%FF&password=%00", b"\xff\xfe", b"&" * 1000, b'{"login": 1}'])
async def test_a_form_that_is_none_is_refused_like_a_wrong_password(hub: Hub, body: bytes) -> None:
    await hub.own(MARIE)
    assert (await call(hub.app(public=False), "POST", "/sign-in", {}, body)).status == 403


async def test_who_has_signed_in_needs_no_form(hub: Hub) -> None:
    await hub.own(MARIE)
    app = hub.app(public=False)
    session = {"cookie": cookie(await hub.sign_in(app, MARIE))}
    assert (await call(app, "GET", "/sign-in", session)).headers["location"] == "/"


async def test_where_nobody_is_known_the_door_says_how_to_become_known(hub: Hub) -> None:
    app = hub.app(public=False)
    assert "margelle user add" in said((await call(app, "GET", "/sign-in")).text)
    await hub.own(MARIE)
    assert "margelle user add" not in said((await call(app, "GET", "/sign-in")).text)


async def test_the_form_works_with_password_managers_and_readers(hub: Hub) -> None:
    elements = tags((await call(hub.app(public=False), "GET", "/sign-in")).text)
    fields = {each["id"]: each for name, each in elements if name == "input"}
    labels = {each["for"] for name, each in elements if name == "label"}
    assert set(fields) == labels == {"login", "password"}
    assert fields["login"]["autocomplete"] == "username"
    assert (fields["password"]["type"], fields["password"]["autocomplete"]) == ("password", "current-password")


async def test_a_public_page_has_no_door(hub: Hub) -> None:
    app = hub.app(public=True)
    assert (await call(app, "GET", "/sign-in")).status == 404
    assert (await call(app, "POST", "/sign-in", {}, b"login=a")).status == 405


async def test_pages_carry_a_strict_policy_and_are_not_stored(hub: Hub) -> None:
    await hub.own(MARIE, POOL)
    await hub.add([measured("ph", 7.4)])
    headers = (await call(hub.app(), "GET", "/")).headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin", "no-referrer would make browsers hide a form's origin"


async def test_an_address_without_a_page_is_told_to_people_as_a_page_and_to_programs_as_json(hub: Hub) -> None:
    app = hub.app()
    person = await call(app, "GET", "/nowhere?lang=fr", {"accept": "text/html,*/*;q=0.8"})
    assert (person.status, person.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Il n’y a rien à cette adresse." in said(person.text)
    assert (await call(app, "GET", "/nowhere", {"accept": "*/*"})).json()["error"] == "not_found"
    assert (await call(app, "GET", "/bluewater/x", {"accept": "text/html"})).json()["error"] == "not_found"
