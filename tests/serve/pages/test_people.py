"""Users, invitations, sharing, organisations, keys, links and one's own page, by HTTP."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from margelle.domain.access import Membership
from margelle.domain.site import Account, User
from margelle.errors import BadInput, Refused
from margelle.serve.api import NAME as API_NAME
from margelle.serve.pages.browser import browser_named
from margelle.serve.password import demand_good
from margelle.serve.people import People
from margelle.serve.sign_in import FaceDesk
from tests.asgi import Response, call
from tests.serve.town import (
    MEMBER,
    NOW,
    OPERATOR,
    OWNER,
    PASSWORD,
    PLANT,
    POOL,
    STRANGER,
    VIEWER,
    Town,
    town,
)

NINA = "nina@town.example"


async def send(here: Town, path: str, user: str, **form: str) -> Response:
    headers = {**await here.session(user), "accept": "text/html", "sec-fetch-site": "same-origin"}
    return await call(here.app, "POST", path, headers, urlencode(form).encode())


async def look(here: Town, path: str, user: str | None = None, **headers: str) -> Response:
    cookies = await here.session(user) if user else {}
    return await call(here.app, "GET", path, {**cookies, "accept": "text/html", **headers})


def secret(answer: Response) -> str:
    """What a page shows once."""
    found = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', answer.text)
    assert found, answer.text
    return found[1]


async def invite(here: Town, email: str = NINA, by: str = OPERATOR) -> str:
    """The path of a new invitation."""
    link = secret(await send(here, "/people/invite", by, email=email))
    assert link.startswith("http://hub.example:8080/invitation/")
    return link.removeprefix("http://hub.example:8080")


async def join(here: Town, path: str, password: str = "a short sentence") -> Response:
    form = urlencode({"password": password, "firstname": "Nina"}).encode()
    return await call(here.app, "POST", path, {"accept": "text/html", "sec-fetch-site": "same-origin"}, form)


# --- invitations ------------------------------------------------------------------------------------------------------


async def test_whoever_is_invited_chooses_a_password_and_is_signed_in() -> None:
    here = await town()
    path = await invite(here)
    shown = await look(here, path)
    assert (shown.status, shown.headers["referrer-policy"]) == (200, "strict-origin")
    joined = await join(here, path)
    assert (joined.status, joined.headers["location"]) == (303, "/?said=joined")
    assert "margelle_session=" in joined.headers["set-cookie"]
    nina = await here.store.user(NINA)
    assert nina is not None
    assert (nina.firstname, nina.operator, nina.password_hash[:9]) == ("Nina", False, "$argon2id")
    assert [(one.act, one.subject, one.user) for one in (await here.store.audit())[:3]] == [
        ("sign in", "pages", NINA),
        ("join", NINA, NINA),
        ("invite", NINA, OPERATOR),
    ]


async def test_an_invitation_is_good_once_for_a_week_and_only_the_last_one() -> None:
    here = await town()
    first, second = await invite(here), await invite(here)
    assert (await look(here, first)).status == 404
    assert (await join(here, first)).status == 404
    here.now[0] = NOW + timedelta(days=7)
    assert (await look(here, second)).status == 404
    here.now[0] = NOW + timedelta(days=6)
    assert (await join(here, second)).status == 303
    assert (await look(here, second)).status == 404
    assert (await join(here, second, "another sentence")).status == 404


@pytest.mark.parametrize("password", ["short", "password", "12345678", "abababab", NINA, "PASSWORD1"])
async def test_a_password_that_would_be_guessed_is_refused_and_the_invitation_stays_good(password: str) -> None:
    here = await town()
    path = await invite(here)
    refused = await join(here, path, password)
    assert refused.status == 400
    shown = refused.text.replace(f'name="username" value="{NINA}"', "")
    assert f'value="{password}"' not in shown
    assert (await join(here, path)).status == 303


async def test_an_invitation_resets_nobodys_password() -> None:
    here = await town()
    assert (await send(here, "/people/invite", OPERATOR, email=OWNER)).status == 409
    desk = FaceDesk("pages", here.store, here.clock)
    stale, _ = await desk.issue_named("invitation", OWNER, "", life_s=3600)
    assert (await look(here, f"/invitation/{stale}")).status == 404
    with pytest.raises(Refused):
        await People(here.store, desk, here.clock).accept(stale, "a short sentence")


async def test_a_token_of_another_kind_is_no_invitation_and_no_link() -> None:
    here = await town()
    for token in (await here.token("pages", OWNER), await here.token(API_NAME, OWNER), "", "x" * 3000, "%2F..%2F"):
        assert (await look(here, f"/invitation/{token}")).status == 404
        assert (await look(here, f"/p/{token}")).status == 404


async def test_no_token_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    here = await town()
    path = await invite(here)
    with caplog.at_level(logging.INFO, "margelle.access"):
        await look(here, path)
        await look(here, "/p/feedfacefeedface")
        await look(here, "/p%2Ffeedfacefeedface")
        await join(here, path)
    assert path.rpartition("/")[2] not in caplog.text
    assert "feedface" not in caplog.text
    assert "GET /invitation/*** 200" in caplog.text


# --- users ------------------------------------------------------------------------------------------------------------


async def test_who_is_shut_out_is_out_at_once_everywhere() -> None:
    here = await town()
    session, token = await here.session(VIEWER), await here.token("ondilo", VIEWER)
    assert (await send(here, "/people/disable", OPERATOR, email=VIEWER)).status == 303
    assert (await call(here.app, "GET", "/", session)).status == 303
    bearer = {"authorization": f"Bearer {token}"}
    assert (await call(here.app, "GET", "/ondilo/api/customer/v1/pools", bearer)).status == 401
    refused = await sign_in(here, VIEWER)
    assert refused.status == 403
    assert "cannot sign in" in (await look(here, "/people", OPERATOR)).text
    assert (await join(here, await invite(here, VIEWER))).status == 303
    assert (await here.store.roles(VIEWER))[POOL.id] == "viewer", "their roles were kept"


async def test_nobody_shuts_themselves_out_nor_the_last_operator() -> None:
    here = await town()
    for act in ("disable", "remove", "no-operator"):
        assert (await send(here, f"/people/{act}", OPERATOR, email=OPERATOR)).status == 409
    assert (await send(here, "/people/operator", OPERATOR, email=VIEWER)).status == 303
    assert (await send(here, "/people/no-operator", OPERATOR, email=OPERATOR)).status == 303
    assert (await look(here, "/people", OPERATOR)).status == 403
    assert (await send(here, "/people/disable", VIEWER, email=VIEWER)).status == 409


async def test_who_has_accounts_is_not_removed_and_the_page_says_why() -> None:
    here = await town()
    answer = await send(here, "/people/remove", OPERATOR, email=OWNER)
    assert answer.status == 409
    assert "still has accounts" in answer.text
    assert (await send(here, "/people/remove", OPERATOR, email=VIEWER)).status == 303
    assert await here.store.user(VIEWER) is None
    assert await here.store.memberships(user=VIEWER) == []
    assert (await send(here, "/people/remove", OPERATOR, email="no@body.example")).status == 404


@pytest.mark.parametrize(("language", "said"), [("en", "Sites of their own"), ("fr", "Propres bassins")])
async def test_whoever_has_only_sites_of_their_own_has_no_account_in_the_list(language: str, said: str) -> None:
    here = await town()
    page = (await look(here, f"/people?lang={language}", OPERATOR)).text
    assert said not in page
    await here.store.put_account(Account("own", "own", VIEWER, ""))
    after = (await look(here, f"/people?lang={language}", OPERATOR)).text
    label = {"en": "Accounts", "fr": "Comptes"}[language]
    assert (after.count(said), after.count(label)) == (1, page.count(label))
    page = (await look(here, f"/people/organisations/town?lang={language}", OPERATOR)).text
    assert f'<option value="own">{said} · {VIEWER}</option>' in page


async def test_who_was_the_operator_by_being_alone_still_is_one_when_others_come() -> None:
    here = await town()
    for user in await here.store.users():
        for account in await here.store.accounts(user.email):
            await here.store.remove_account(account.id)
        if user.email != OPERATOR:
            await here.store.remove_user(user.email)
    operator = await here.store.user(OPERATOR)
    assert operator is not None
    await here.store.put_user(replace(operator, operator=False))
    await join(here, await invite(here))
    assert (await look(here, "/people", OPERATOR)).status == 200
    assert (await look(here, "/people", NINA)).status == 403


# --- sessions ---------------------------------------------------------------------------------------------------------


async def sign_in(here: Town, login: str, password: str = PASSWORD, **headers: str) -> Response:
    form = urlencode({"login": login, "password": password}).encode()
    return await call(here.app, "POST", "/sign-in", headers, form)


async def test_a_session_that_somebody_planted_is_not_taken_over() -> None:
    here = await town()
    planted = {"cookie": "margelle_session=0123456789012345678901234567890123456789"}
    entered = await sign_in(here, VIEWER, **planted)
    assert "0123456789" not in entered.headers["set-cookie"]
    assert (await call(here.app, "GET", "/", planted)).status == 303


async def test_signing_in_again_ends_the_session_that_this_browser_had() -> None:
    here = await town()
    before = await here.session(VIEWER)
    await sign_in(here, STRANGER, **before)
    assert (await call(here.app, "GET", "/", before)).status == 303


async def test_over_tls_the_cookie_is_bound_to_the_host_and_no_other_is_taken() -> None:
    from margelle.serve.app import build
    from margelle.vendors import VENDORS
    from tests.serve.vendors import NoActions

    here = await town()
    app = build(here.store, list(VENDORS.values()), {}, here.clock, NoActions(), public_url="https://hub.example")
    form = urlencode({"login": VIEWER, "password": PASSWORD}).encode()
    entered = await call(app, "POST", "/sign-in", {"origin": "https://hub.example"}, form)
    parts = [part.strip() for part in entered.headers["set-cookie"].split(";")]
    assert parts[0].startswith("__Host-margelle_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(parts)
    assert not any(part.startswith("Domain") for part in parts)
    token = parts[0].partition("=")[2]
    assert (await call(app, "GET", "/", {"cookie": f"__Host-margelle_session={token}"})).status == 200
    assert (await call(app, "GET", "/", {"cookie": f"margelle_session={token}"})).status == 303


async def test_a_user_sees_where_they_are_signed_in_and_ends_one_but_nobody_elses() -> None:
    here = await town()
    phone = await sign_in(
        here, VIEWER, **{"user-agent": "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"}
    )
    desk = await sign_in(here, VIEWER, **{"user-agent": "<script>alert(1)</script>"})
    cookies = [{"cookie": one.headers["set-cookie"].partition(";")[0]} for one in (phone, desk)]
    page = await call(here.app, "GET", "/me", cookies[1])
    assert "Firefox, Android" in page.text
    assert "<script>alert" not in page.text
    grants = await here.store.grants(user=VIEWER)
    there = next(one for one in grants if one.name == "Firefox, Android")
    assert (await send(here, "/me/sessions/end", STRANGER, id=there.id)).status == 404
    own = {**cookies[1], "sec-fetch-site": "same-origin"}
    assert (await call(here.app, "POST", "/me/sessions/end", own, f"id={there.id}".encode())).status == 303
    assert (await call(here.app, "GET", "/", cookies[0])).status == 303
    assert (await call(here.app, "GET", "/", cookies[1])).status == 200
    assert (await call(here.app, "POST", "/me/sign-out", own)).headers["location"] == "/sign-in"
    assert (await call(here.app, "GET", "/", cookies[1])).status == 303


async def test_another_password_ends_all_other_sessions_and_keeps_keys_and_links() -> None:
    here = await town()
    other, face = await here.session(OWNER), await here.token("flipr", OWNER)
    key, _ = await FaceDesk(API_NAME, here.store, here.clock).issue_named("access", OWNER, "k", life_s=None)
    assert (await send(here, "/me/password", OWNER, old="wrong", new="another sentence")).status == 403
    assert (await send(here, "/me/password", OWNER, old=PASSWORD, new="password")).status == 400
    changed = await send(here, "/me/password", OWNER, old=PASSWORD, new="another sentence")
    assert changed.headers["location"] == "/me?said=me.password"
    fresh = {"cookie": changed.headers["set-cookie"].partition(";")[0]}
    assert (await call(here.app, "GET", "/me", fresh)).status == 200
    assert (await call(here.app, "GET", "/me", other)).status == 303
    modules = {"authorization": f"Bearer {face}"}
    assert (await call(here.app, "GET", "/flipr/modules", modules)).status == 401
    assert await FaceDesk(API_NAME, here.store, here.clock).holder("access", key) is not None
    assert (await sign_in(here, OWNER)).status == 403
    assert (await sign_in(here, OWNER, "another sentence")).status == 303


async def test_a_thief_of_a_session_cannot_guess_the_password_for_long() -> None:
    here = await town()
    for _ in range(10):
        assert (await send(here, "/me/password", VIEWER, old="guess", new="another sentence")).status == 403
    assert (await send(here, "/me/password", VIEWER, old=PASSWORD, new="another sentence")).status == 429


async def test_somebody_who_cannot_sign_in_costs_as_much_to_refuse_as_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    from margelle.serve import sign_in as module

    here, seen = await town(), []
    await here.store.put_user(User(NINA, ""))

    async def verified(password_hash: str, _: str) -> bool:
        seen.append(password_hash)
        return False

    monkeypatch.setattr(module, "_verified", verified)
    assert (await sign_in(here, NINA)).status == 403
    assert seen[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/%0d%0ax"]
)
async def test_signing_in_leads_to_no_other_site(wanted: str) -> None:
    here = await town()
    form = urlencode({"login": VIEWER, "password": PASSWORD}).encode()
    entered = await call(here.app, "POST", f"/sign-in?{urlencode({'next': wanted})}", {}, form)
    assert entered.status == 303
    assert re.fullmatch(r"/([\w%].*)?", entered.headers["location"])
    assert "evil" not in entered.headers["location"]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "Chrome, Linux",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
        ("\x1b[31mx" + "y" * 100, "[31mx" + "y" * 35),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, name: str) -> None:
    assert browser_named(agent) == name


def test_a_good_password_is_any_long_enough_one() -> None:
    for good in ("la pluie d'été", "correct horse", "ééééààèè!", "x9$k2m#q"):
        demand_good(good, "ana@example.org")
    for bad in ("ana@example.org", "abcdefgh", "87654321", "aaaaaaaa", "Motdepasse"):
        with pytest.raises(BadInput):
            demand_good(bad, "ana@example.org")


# --- sharing ----------------------------------------------------------------------------------------------------------


async def test_an_owner_shares_a_site_and_takes_it_back() -> None:
    here = await town()
    path = f"/sites/{POOL.id}/people"
    assert (await send(here, path, OWNER, email=STRANGER, role="technician")).status == 303
    assert (await here.store.roles(STRANGER))[POOL.id] == "technician"
    assert (await here.store.memberships(user=STRANGER))[0].given_by == OWNER
    assert STRANGER in (await look(here, path, OWNER)).text
    assert (await send(here, f"{path}/end", OWNER, email=STRANGER)).status == 303
    assert POOL.id not in await here.store.roles(STRANGER)
    acts = [(one.act, one.user, one.outcome, one.site) for one in (await here.store.audit())[:2]]
    assert acts == [
        ("share", OWNER, f"no longer of {POOL.id}", POOL.id),
        ("share", OWNER, f"technician of {POOL.id}", POOL.id),
    ]


async def test_a_viewer_gives_up_their_own_role_and_nobody_elses() -> None:
    here = await town()
    path = f"/sites/{POOL.id}/people/end"
    assert (await send(here, path, VIEWER, email=OWNER)).status == 403
    assert (await send(here, path, VIEWER, email=VIEWER)).headers["location"] == "/?said=unshared"
    assert POOL.id not in await here.store.roles(VIEWER)


@pytest.mark.parametrize(
    "form", [{"email": "nobody", "role": "viewer"}, {"email": NINA, "role": "god"}, {"email": "", "role": ""}]
)
async def test_what_is_no_e_mail_or_no_role_is_refused(form: dict[str, str]) -> None:
    here = await town()
    before = await here.store.memberships()
    assert (await send(here, f"/sites/{POOL.id}/people", OWNER, **form)).status == 400
    assert await here.store.memberships() == before


async def test_a_role_may_wait_for_somebody_whom_only_an_operator_can_invite() -> None:
    here = await town()
    waiting = await send(here, f"/sites/{POOL.id}/people", OWNER, email=NINA, role="viewer")
    assert waiting.headers["location"].endswith("said=shared.waits")
    assert await here.store.user(NINA) is None, "an owner makes no users"
    await join(here, await invite(here))
    assert await here.store.roles(NINA) == {POOL.id: "viewer"}


async def test_what_the_vendor_shares_stands_beside() -> None:
    from margelle.domain.site import Person, Share
    from margelle.ports import Discovery

    here = await town()
    shared = replace(POOL, shares=(Share("Paul", "Neighbour", "paul@vendor.example", None),))
    await here.store.put_discovery("ondilo", Discovery(Person(), (shared,), ()), NOW)
    page = (await look(here, f"/sites/{POOL.id}/people", OWNER)).text
    assert "paul@vendor.example" in page
    assert "Ondilo" in page


# --- organisations ----------------------------------------------------------------------------------------------------


async def test_an_organisation_is_founded_furnished_and_dissolved() -> None:
    here = await town()
    made = await send(here, "/people/organisations", OPERATOR, name="Les Amis de l'Eau")
    assert made.headers["location"].startswith("/people/organisations/les-amis-de-l-eau")
    at = "/people/organisations/les-amis-de-l-eau"
    assert (await send(here, f"{at}/members", OPERATOR, email=STRANGER, role="owner")).status == 303
    assert (await send(here, f"{at}/accounts", OPERATOR, account="baxo")).status == 303
    assert (await here.store.roles(STRANGER))[PLANT.id] == "owner"
    assert PLANT.id not in await here.store.roles(MEMBER), "it is the town's no more"
    assert (await send(here, f"{at}/dissolve", OPERATOR)).status == 409
    assert (await send(here, f"{at}/accounts/end", OPERATOR, account="baxo")).status == 303
    assert (await send(here, f"{at}/rename", OPERATOR, name="Amis")).status == 303
    assert (await send(here, f"{at}/dissolve", OPERATOR)).status == 303
    assert [one.id for one in await here.store.organisations()] == ["town"]
    again = await send(here, "/people/organisations", OPERATOR, name="Town")
    assert re.search(r"/town-[0-9a-f]{6}\?", again.headers["location"]), "no id is taken over"


async def test_an_owner_in_an_organisation_leads_it_and_a_member_does_not_hear_who_else_is_in_it() -> None:
    here = await town()
    at = "/people/organisations/town"
    for user in (MEMBER, STRANGER, OWNER):
        assert (await look(here, at, user)).status == 404
        assert (await send(here, f"{at}/members", user, email=user, role="owner")).status == 404
    await here.store.put_membership(Membership(MEMBER, "organisation", "town", "owner", NOW, OPERATOR))
    assert (await look(here, at, MEMBER)).status == 200
    assert "The town" in (await look(here, "/me", MEMBER)).text
    assert (await send(here, f"{at}/members", MEMBER, email=STRANGER, role="viewer")).status == 303
    for path in ("rename", "dissolve", "accounts"):
        answer = await send(here, f"{at}/{path}", MEMBER, name="Mine", account="elsewhere")
        assert answer.status == 403, "the hub's are the operator's"
    assert (await send(here, f"{at}/members/end", MEMBER, email=MEMBER)).headers["location"].startswith("/me")


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_a_key_is_made_for_its_scopes_shown_once_and_taken_back() -> None:
    here = await town()
    form = {"name": "Grafana", "scope.read": "on", "scope.measure": "on", "days": "90"}
    made = await send(here, "/me/keys", OWNER, **form)
    assert "content-encoding" not in made.headers
    token = secret(made)
    held = await FaceDesk(API_NAME, here.store, here.clock).held("access", token)
    assert held is not None
    user, grant = held
    assert (user.email, grant.name, grant.scopes) == (OWNER, "Grafana", ("read", "measure"))
    assert grant.expires_at == NOW + timedelta(days=90)
    listed = (await look(here, "/me/keys", OWNER)).text
    assert "Grafana" in listed
    assert token not in listed
    assert (await send(here, "/me/keys/end", STRANGER, id=grant.id)).status == 404
    assert (await send(here, "/me/keys/end", OWNER, id=grant.id)).status == 303
    assert await FaceDesk(API_NAME, here.store, here.clock).holder("access", token) is None


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "scope.read": "on", "days": "30"},
        {"name": "x" * 61, "scope.read": "on", "days": "30"},
        {"name": "k", "days": "30"},
        {"name": "k", "scope.god": "on", "days": "30"},
        {"name": "k", "scope.read": "on", "days": "99999"},
        {"name": "k", "scope.read": "on", "days": "-1"},
    ],
)
async def test_a_key_without_a_name_a_scope_or_a_sound_end_is_not_made(form: dict[str, str]) -> None:
    here = await town()
    assert (await send(here, "/me/keys", OWNER, **form)).status == 400
    assert [one for one in await here.store.grants(user=OWNER) if one.name == "k"] == []


# --- public links -----------------------------------------------------------------------------------------------------


async def linked(here: Town, days: str = "30") -> str:
    """The path of a new public link."""
    address = secret(await send(here, f"/sites/{POOL.id}/links", OWNER, name="Sign", days=days))
    return address.removeprefix("http://hub.example:8080")


async def test_a_public_link_shows_the_water_and_nothing_of_people() -> None:
    here = await town()
    board = await look(here, await linked(here))
    assert board.status == 200
    assert "Town pool" in board.text
    assert "7.40" in board.text
    for private in ("@", "<form", "/sign-in", "/people", "owner", "ondilo"):
        assert private not in board.text
    assert board.headers["cache-control"] == "private, no-cache"
    assert board.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in board.headers["x-robots-tag"]
    assert "set-cookie" not in board.headers


async def test_a_display_asks_again_and_is_told_that_nothing_has_changed() -> None:
    here = await town()
    path = await linked(here)
    tag = (await look(here, path)).headers["etag"]
    again = await look(here, path, **{"if-none-match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    here.now[0] = NOW + timedelta(hours=1)
    assert (await look(here, path, **{"if-none-match": tag})).status == 200, "the age is another one"


async def test_a_link_ends_when_it_expires_is_taken_back_or_its_maker_is_no_owner_any_more() -> None:
    here = await town()
    expired, taken, orphan = [await linked(here, days) for days in ("7", "30", "30")]
    here.now[0] = NOW + timedelta(days=7)
    assert (await look(here, expired)).status == 404
    grants = [one for one in await here.store.grants(site=POOL.id) if one.kind == "link"]
    newest = max(grants, key=lambda one: one.expires_at or NOW)
    assert (await send(here, f"/sites/{POOL.id}/links/end", OWNER, id=newest.id)).status == 303
    assert sorted([(await look(here, path)).status for path in (taken, orphan)]) == [200, 404]
    await here.store.remove_account("ondilo")
    await here.store.put_account(replace((await here.store.accounts(STRANGER))[0], id="sold", realm=""))
    from margelle.domain.site import Person
    from margelle.ports import Discovery

    await here.store.put_discovery("sold", Discovery(Person(), (POOL,), ()), NOW)
    assert [(await look(here, path)).status for path in (taken, orphan)] == [404, 404]


async def test_a_link_of_another_site_is_not_ended_from_here() -> None:
    here = await town()
    path = await linked(here)
    (link,) = [one for one in await here.store.grants(site=POOL.id) if one.kind == "link"]
    assert (await send(here, f"/sites/{PLANT.id}/links/end", OWNER, id=link.id)).status == 404
    assert (await look(here, path)).status == 200


async def test_an_old_value_is_not_called_good() -> None:
    here = await town()
    path = await linked(here)
    here.now[0] = NOW + timedelta(days=2)
    board = (await look(here, path)).text
    assert "not measured lately" in board
    assert 'class="good"' not in board
