from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.errors import BadInput, Conflict, Forbidden, Limited, NotFound, StoreError, Unavailable
from margelle.serve import pages
from margelle.serve.pages.hall import Area, Hall, SiteLink
from margelle.serve.pages.visit import LANGUAGE_COOKIE, THEME_COOKIE, Visit, local
from tests.asgi import call
from tests.serve.pages.conftest import POOL, Hub, cookie
from tests.serve.pages.text import said, tags

MARIE = "marie@example.org"
BROWSER = {"accept": "text/html,*/*;q=0.8"}


def failing(failure: Exception) -> Area:
    """An area whose page and form fail."""

    async def fail(visit: Visit) -> Response:
        raise failure

    def routes(hall: Hall) -> Sequence[BaseRoute]:
        return (hall.page("/failing", fail), hall.form("/failing", fail))

    return Area(routes, "/failing", "water")


@pytest.mark.parametrize(
    ("failure", "status", "english", "french"),
    [
        (
            BadInput("Too many."),
            400,
            "That cannot be taken as it is. Too many.",
            "Cela ne peut pas être accepté tel quel. Too many.",
        ),
        (Forbidden("Not yours."), 403, "That is not yours to do. Not yours.", "Cela ne vous est pas permis."),
        (NotFound("Secret name."), 404, "There is nothing at this address.", "Il n’y a rien à cette adresse."),
        (Conflict("Taken."), 409, "That does not go together with what is there. Taken.", "ce qui existe déjà"),
        (Limited("Enough."), 429, "try again a little later", "réessayez un peu plus tard"),
        (
            StoreError("disk I/O at /srv/x"),
            503,
            "cannot be read or written right now",
            "ne peuvent être lues ni écrites",
        ),
        (
            Unavailable("It is down."),
            503,
            "The cloud does not answer as it should. It is down.",
            "Le service du fabricant",
        ),
    ],
)
async def test_what_goes_wrong_is_a_page_in_the_readers_language(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, english: str, french: str
) -> None:
    monkeypatch.setattr(pages, "AREAS", (failing(failure), *pages.AREAS))
    app = hub.app()
    answer = await call(app, "GET", "/failing", BROWSER)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert english in said(answer.text)
    assert "/srv/x" not in answer.text
    assert "Secret name" not in answer.text
    assert french in said((await call(app, "GET", "/failing?lang=fr", BROWSER)).text)


async def test_a_program_is_told_in_json_what_goes_wrong(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "AREAS", (failing(Forbidden("Not yours.")), *pages.AREAS))
    answer = await call(hub.app(), "GET", "/failing", {"accept": "application/json"})
    assert (answer.status, answer.json()["error"]) == (403, "access_denied")


async def test_what_nobody_foresaw_is_a_page_that_names_its_place_in_the_log(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pages, "AREAS", (failing(KeyError("secret name")), *pages.AREAS))
    answer = await call(hub.app(), "GET", "/failing?lang=fr", BROWSER)
    assert (answer.status, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "Quelque chose n’a pas marché ici." in said(answer.text)
    assert "secret name" not in answer.text
    incident = re.search(r"sous ([0-9a-f]{8})\.", said(answer.text))
    assert incident is not None
    assert incident[1] in caplog.text
    assert "secret name" in caplog.text
    program = await call(hub.app(), "GET", "/failing", {"accept": "application/json"})
    assert (program.status, program.json()["error"]) == (500, "server_error")


async def test_a_form_needs_a_session_and_comes_from_here(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "AREAS", (failing(Conflict("Reached.")), *pages.AREAS))
    await hub.own(MARIE, POOL)
    app = hub.app(public=False)
    assert (await call(app, "POST", "/failing")).headers["location"] == "/sign-in"
    session = {"cookie": cookie(await hub.sign_in(app, MARIE))}
    assert (await call(app, "POST", "/failing", session)).status == 409
    foreign = await call(app, "POST", "/failing", {**session, "origin": "https://evil.example"})
    assert foreign.status == 403
    assert "This form was sent from another site." in said(foreign.text)


async def test_who_has_not_signed_in_comes_back_to_the_page_that_was_wanted(hub: Hub) -> None:
    await hub.own(MARIE, POOL)
    app = hub.app(public=False)
    led = await call(app, "GET", f"/sites/{POOL.id}")
    assert led.headers["location"] == "/sign-in?next=%2Fsites%2Fbluewater%3A1"
    form = (await call(app, "GET", led.headers["location"])).text
    (action,) = [each["action"] for name, each in tags(form) if name == "form"]
    assert action == "/sign-in?next=%2Fsites%2Fbluewater%3A1"


@pytest.mark.parametrize(
    ("path", "led"),
    [
        ("/sites/x?span=week", "/sites/x?span=week"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/x\\..", "/"),
        ("https://evil.example/", "/"),
        ("//[", "/"),
        ("http://[evil", "/"),
        ("/[", "/["),
        ("javascript:alert(1)", "/"),
        ("/\n/evil.example", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_led_to_another_site(path: str, led: str) -> None:
    assert local(path) == led


async def test_a_language_and_theme_that_were_asked_for_stay(hub: Hub) -> None:
    app = hub.app()
    chosen = await call(app, "GET", "/?lang=fr&theme=dark", {"accept-language": "en"})
    cookies = [value.partition(";")[0] for name, value in chosen.header_list if name == "set-cookie"]
    assert set(cookies) == {f"{LANGUAGE_COOKIE}=fr", f"{THEME_COOKIE}=dark"}
    later = (await call(app, "GET", "/", {"accept-language": "en", "cookie": "; ".join(cookies)})).text
    assert tags(later)[0] == ("html", {"lang": "fr", "data-theme": "dark"})


@pytest.mark.parametrize("value", ["<script>", "de", "", "fr;x"])
async def test_a_language_or_theme_that_is_none_is_not_kept(hub: Hub, value: str) -> None:
    answer = await call(hub.app(), "GET", f"/?lang={value}&theme={value}".replace("<", "%3C"))
    assert "set-cookie" not in answer.headers
    assert tags(answer.text)[0] == ("html", {"lang": "en", "data-theme": "auto"})


async def test_a_users_language_comes_before_their_browsers(hub: Hub) -> None:
    from msgspec.structs import replace

    await hub.own(MARIE, POOL)
    app = hub.app(public=False)
    session = {"cookie": cookie(await hub.sign_in(app, MARIE)), "accept-language": "en"}
    user = await hub.store.user(MARIE)
    assert user is not None
    await hub.store.put_user(replace(user, language="fr"))
    assert tags((await call(app, "GET", "/", session)).text)[0][1]["lang"] == "fr"


async def test_the_navigation_shows_only_what_its_reader_may_see(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    operators = Area(lambda _: (), "/hub", "water", lambda caller: caller.operator)
    noting = Area(lambda _: (), at_site=(SiteLink("x", "/x", "intervene"),))
    monkeypatch.setattr(pages, "AREAS", (*pages.AREAS, operators, noting))
    await hub.own(MARIE, POOL)
    app = hub.app(public=False)
    session = {"cookie": cookie(await hub.sign_in(app, MARIE))}
    links = [each.get("href") for name, each in tags((await call(app, "GET", "/", session)).text) if name == "a"]
    assert "/hub" in links, "the only user of a hub is its operator"
    await hub.own("paul@example.org")
    links = [each.get("href") for name, each in tags((await call(app, "GET", "/", session)).text) if name == "a"]
    assert "/hub" not in links


async def test_a_page_with_a_secret_is_never_compressed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    async def show(visit: Visit) -> Response:
        return visit.page("error.html", heading="lost", error=None, secret=True)

    monkeypatch.setattr(pages, "AREAS", (Area(lambda hall: (hall.page("/key", show),)), *pages.AREAS))
    answer = await call(hub.app(), "GET", "/key", {"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers
