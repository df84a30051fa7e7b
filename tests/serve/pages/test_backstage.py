"""Who may do what to the hub behind the pages: accounts, receipts, tags, settings."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from starlette.types import ASGIApp

from margelle.cli.house import House
from margelle.collect.failure import incident
from margelle.config import load
from margelle.domain.access import Membership
from margelle.domain.site import Account, Person, Probe, Site, User
from margelle.errors import Refused, of_status
from margelle.ports import Connected, Discovery, Earlier, Receipt
from margelle.serve.pages import FACE
from margelle.serve.pages.session import COOKIE, SAFE_COOKIE
from margelle.serve.sign_in import FaceDesk
from margelle.store.memory import MemoryStore
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.serve.pages.text import said

ADA, TED, EVE, OPS = "ada@x.example", "ted@x.example", "eve@x.example", "ops@x.example"
SITE = "baxo:14587"


class Hub:
    """Ada has an account with a site at which Ted is a technician; Eve has nothing; Ops is the operator."""

    def __init__(self, folder: Path, **more: str) -> None:
        settings = load(None, {}, {"data_dir": str(folder), "key_file": str(folder / "key")} | more)
        self.store = MemoryStore()
        self.now = NOW
        self.house = House(settings, self.store, lambda: self.now)
        self.app: ASGIApp = self.house.app()

    async def furnish(self) -> Hub:
        for email in (ADA, TED, EVE, OPS):
            await self.store.put_user(User(email, "x", operator=email == OPS))
        await self.store.put_account(Account("baxo", "baxo", ADA, ADA))
        site = Site(
            SITE, "baxo", "14587", "Station <Nord>", "plant", attributes={"tags": "PH\nNIVEAU", "contract": "c"}
        )
        probe = Probe(f"{SITE}/device", SITE, "baxo", "c/14587")
        await self.store.put_discovery("baxo", Discovery(Person(), (site,), (probe,)), NOW)
        await self.store.put_membership(Membership(TED, "site", SITE, "technician", NOW))
        body = b'{"page": "<script>alert(1)</script>"}'
        await self.store.keep_receipt(Receipt("baxo", NOW, "devices", "https://cloud.example/k1", 200, body, 12))
        return self

    async def ask(self, user: str, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        desk = FaceDesk(FACE, self.store, lambda: self.now)
        token = await desk.issue("access", user, life_s=600)
        return await call(
            self.app, method, path, {"cookie": f"{COOKIE}={token}", "accept": "text/html", **headers}, body
        )


@pytest.fixture
async def hub(tmp_path: Path) -> Hub:
    return await Hub(tmp_path).furnish()


@pytest.mark.parametrize("path", ["/collection/baxo", f"/tags/{SITE}", "/collection/baxo/progress"])
async def test_what_is_not_theirs_is_nowhere(hub: Hub, path: str) -> None:
    assert (await hub.ask(EVE, "GET", path)).status == 404
    assert (await hub.ask(ADA, "GET", path)).status == 200
    assert (await hub.ask(OPS, "GET", path)).status == 200


async def test_a_technician_sees_how_collecting_goes_and_changes_nothing(hub: Hub) -> None:
    page = await hub.ask(TED, "GET", "/collection/baxo")
    assert page.status == 200
    assert "Station &lt;Nord&gt;" in page.text
    assert "/pause" not in page.text
    for act in ("ask", "pause", "resume", "remove"):
        assert (await hub.ask(TED, "POST", f"/collection/baxo/{act}", b"sure=baxo")).status == 403
    account = await hub.store.account("baxo")
    assert account is not None
    assert not account.paused
    assert (await hub.ask(TED, "GET", f"/tags/{SITE}")).status == 403
    assert (await hub.ask(TED, "POST", f"/tags/{SITE}", b"tag%3APH=ph")).status == 403


async def test_a_form_of_another_site_does_nothing(hub: Hub) -> None:
    answer = await hub.ask(ADA, "POST", "/collection/baxo/pause", origin="https://evil.example")
    assert answer.status == 403
    account = await hub.store.account("baxo")
    assert account is not None
    assert not account.paused


async def test_an_account_is_removed_only_by_who_says_so_twice(hub: Hub) -> None:
    assert (await hub.ask(ADA, "POST", "/collection/baxo/remove")).status == 400
    assert await hub.store.account("baxo") is not None
    assert (await hub.ask(ADA, "POST", "/collection/baxo/remove", b"sure=baxo")).status == 303
    assert await hub.store.account("baxo") is None
    (entry,) = await hub.store.audit()
    assert (entry.user, entry.act, entry.subject) == (ADA, "remove account", "baxo")


async def test_where_no_collector_of_this_process_has_the_account_it_is_said_in_words(hub: Hub) -> None:
    answer = await hub.ask(ADA, "POST", "/collection/baxo/ask")
    assert answer.status == 409
    assert "Another process collects this account" in answer.text
    (entry,) = await hub.store.audit()
    assert entry.outcome.startswith("refused")


async def test_a_receipt_is_shown_as_text_and_taken_away_as_a_file(hub: Hub) -> None:
    path = f"/collection/baxo/receipts/{quote(NOW.isoformat())}"
    page = await hub.ask(ADA, "GET", path)
    assert page.status == 200
    assert "<script>alert" not in page.text
    file = await hub.ask(ADA, "GET", f"{path}?file=1")
    assert file.body == b'{"page": "<script>alert(1)</script>"}'
    assert file.headers["content-type"] == "application/json"
    assert file.headers["content-disposition"].startswith("attachment; ")
    assert (await hub.ask(TED, "GET", path)).status == 403
    assert (await hub.ask(EVE, "GET", path)).status == 404


@pytest.mark.parametrize(
    "at", ["never", "2026-13-01T00:00:00+00:00", "2020-01-01T00:00:00", "2020-01-01T00:00:00+00:00"]
)
async def test_a_receipt_that_is_none_is_nowhere(hub: Hub, at: str) -> None:
    assert (await hub.ask(ADA, "GET", f"/collection/baxo/receipts/{quote(at)}")).status == 404


async def test_settings_are_for_operators(hub: Hub) -> None:
    assert (await hub.ask(ADA, "GET", "/hub")).status == 403
    assert (await hub.ask(OPS, "GET", "/hub")).status == 200


@pytest.mark.parametrize(
    ("earlier", "language", "told"),
    [
        (Earlier(1_210_000, 5_000_100), "en", "1.2 of 5.0 million measurements folded"),
        (Earlier(1_210_000, 5_000_100), "fr", "1,2 sur 5,0 millions de mesures rangées"),
        (Earlier(700, 900), "fr", "700 sur 900 mesures rangées"),
        (None, "en", ""),
    ],
)
async def test_the_hub_says_how_much_of_what_an_earlier_version_kept_is_folded(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, earlier: Earlier | None, language: str, told: str
) -> None:
    async def answer() -> Earlier | None:
        return earlier

    monkeypatch.setattr(hub.store, "earlier", answer)
    page = await hub.ask(OPS, "GET", "/hub", b"", **{"accept-language": language})
    assert told in page.text.replace("\u00a0", " ")
    if earlier is None:
        assert "an earlier version" not in page.text


async def test_tags_for_every_site_are_an_operators_to_say(hub: Hub) -> None:
    said = b"tag%3APH=ph&tag%3ANIVEAU="
    assert (await hub.ask(ADA, "POST", f"/tags/{SITE}", said + b"&everywhere=on")).status == 403
    assert (await hub.ask(ADA, "POST", f"/tags/{SITE}", said)).status == 303
    assert await hub.store.memo("meanings of baxo") == b'{"14587/PH":"ph"}'
    again = await hub.ask(ADA, "POST", f"/tags/{SITE}", b"tag%3APH=level+furlong")
    assert again.status == 400
    assert await hub.store.memo("meanings of baxo") == b'{"14587/PH":"ph"}'
    assert (await hub.ask(ADA, "POST", f"/tags/{SITE}", b"tag%3APH=")).status == 303
    assert await hub.store.memo("meanings of baxo") == b"{}"


async def test_an_account_of_others_is_not_signed_in_again_by_anybody(hub: Hub) -> None:
    assert (await hub.ask(TED, "GET", "/connect/baxo?account=baxo")).status == 403
    assert (await hub.ask(EVE, "GET", "/connect/baxo?account=baxo")).status == 404
    assert (await hub.ask(ADA, "GET", "/connect/baxo?account=baxo")).status == 200
    assert (await hub.ask(ADA, "GET", "/connect/nobody")).status == 404


async def test_no_request_meets_the_demo_without_its_cookie_and_no_face_does_with_it(hub: Hub) -> None:
    real = await hub.ask(ADA, "GET", "/")
    assert "This is a demo" not in real.text
    face = await call(hub.app, "GET", "/ondilo/api/customer/v1/pools", {"cookie": "margelle_demo=look"})
    assert face.status == 401
    stranger = await call(hub.app, "GET", "/", {"cookie": "margelle_demo=look", "accept": "text/html"})
    assert (stranger.status, stranger.headers["location"]) == (303, "/sign-in")
    token = await FaceDesk(FACE, hub.store, lambda: NOW).issue("access", ADA, life_s=600)
    both = {"cookie": f"margelle_demo=look; {COOKIE}={token}", "accept": "text/html"}
    looked = await call(hub.app, "GET", "/", both)
    assert "This is a demo" in looked.text
    assert "Station" not in looked.text


async def test_a_site_leads_to_what_collects_it_and_to_its_tags_whom_they_concern(hub: Hub) -> None:
    for user, tags in ((ADA, True), (TED, False)):
        page = (await hub.ask(user, "GET", f"/sites/{SITE}")).text
        assert 'href="/collection/baxo"' in page
        assert (f'href="/tags/{SITE}?from=site"' in page) is tags


async def test_who_comes_from_a_site_goes_back_there(hub: Hub) -> None:
    assert f'href="/sites/{SITE}"><span' in (await hub.ask(ADA, "GET", f"/tags/{SITE}?from=site")).text
    assert 'href="/collection"><span' in (await hub.ask(ADA, "GET", f"/tags/{SITE}")).text
    said = await hub.ask(ADA, "POST", f"/tags/{SITE}?from=site", b"tag%3APH=ph")
    assert said.headers["location"] == f"/tags/{SITE}?from=site&said=tags.saved"


async def test_the_owner_of_a_site_reads_what_was_done_to_its_account_in_french(hub: Hub) -> None:
    assert (await hub.ask(OPS, "POST", "/collection/baxo/pause")).status == 303
    page = (await hub.ask(ADA, "GET", f"/audit?site={SITE}&lang=fr")).text
    assert ">collecte suspendue</td>" in page
    assert "<span>fait</span>" in page
    assert ">collecte suspendue</td>" not in (await hub.ask(ADA, "GET", "/audit?site=own:other&lang=fr")).text


async def test_a_remark_and_an_incident_are_told_in_french(hub: Hub) -> None:
    error = of_status(503, "Service Unavailable")
    wrong = incident("baxo", "baxo", "unavailable", error.what, NOW, phrase=error.phrase)
    await hub.store.note_incident(wrong)
    page = (await hub.ask(ADA, "GET", "/collection/baxo?lang=fr")).text
    assert "Gardés sous leur propre nom, sans unité" in page
    assert "Le service a répondu 503 et dit\u00a0: «\u00a0Service Unavailable\u00a0»" in page
    assert 'lang="en">' not in page.replace('hreflang="en" lang="en">', "")
    assert "Le service est en panne" in (await hub.ask(ADA, "GET", "/collection?lang=fr")).text, (
        "what is wrong, at once"
    )
    assert "The cloud answered 503" in (await hub.ask(ADA, "GET", "/collection/baxo?lang=en")).text


async def test_doubtful_values_are_good_to_know_and_no_trouble(hub: Hub) -> None:
    await hub.store.note_incident(incident("baxo", f"{SITE}/device", "doubtful", "1 value is kept with a doubt.", NOW))
    listed = (await hub.ask(ADA, "GET", "/collection")).text
    assert "Doubtful values came" not in listed
    assert "Trouble" not in listed
    assert "Doubtful" not in said((await hub.ask(ADA, "GET", "/")).text)
    page = said((await hub.ask(ADA, "GET", "/collection/baxo")).text)
    assert "Good to know Doubtful values came" in page
    assert "What is wrong" not in page
    await hub.store.note_incident(incident("baxo", "baxo", "unavailable", "It is down.", NOW))
    assert "The cloud has trouble" in (await hub.ask(ADA, "GET", "/collection")).text
    assert "What is wrong The cloud has trouble" in said((await hub.ask(ADA, "GET", "/collection/baxo")).text)


@pytest.mark.parametrize(
    "path",
    [
        f"/sites/{SITE}/measure",
        f"/sites/{SITE}/act",
        f"/tags/{SITE}",
        "/connect",
        "/connect/baxo",
        "/connect/site",
        "/hub",
    ],
)
async def test_who_looks_at_public_pages_is_told_that_they_only_show(hub: Hub, tmp_path: Path, path: str) -> None:
    settings = load(None, {}, {"data_dir": str(tmp_path), "key_file": str(tmp_path / "key")})
    app = House(settings, hub.store, lambda: NOW).app(public_page=True)
    answer = await call(app, "GET", path, {"accept": "text/html"})
    assert answer.status == 403
    assert "These pages only show: nobody signs in here" in said(answer.text)
    assert "ne font que montrer" in (await call(app, "GET", f"{path}?lang=fr", {"accept": "text/html"})).text


async def test_an_error_is_a_page_in_french(hub: Hub) -> None:
    page = (await hub.ask(TED, "GET", f"/tags/{SITE}?lang=fr")).text
    assert f"Votre rôle pour {SITE} est\u00a0: Technicien." in page
    assert "Seul un exploitant de ce hub peut le faire." in (await hub.ask(TED, "GET", "/hub?lang=fr")).text


async def test_an_empty_hub_leads_whoever_comes_to_the_first_run_and_a_new_user_to_a_probe(tmp_path: Path) -> None:
    empty = Hub(tmp_path)
    led = await call(empty.app, "GET", "/sign-in?lang=fr", {"accept": "text/html"})
    assert (led.status, led.headers["location"]) == (303, "/welcome?lang=fr")
    await empty.store.put_user(User(ADA, "x", operator=True))
    assert (await call(empty.app, "GET", "/sign-in", {"accept": "text/html"})).status == 200
    page = (await empty.ask(ADA, "GET", "/")).text
    for way in ('href="/connect"', 'href="/connect/site"', 'action="/demo"'):
        assert way in page
    assert "margelle account add" not in page


async def test_who_knows_nobody_yet_shows_its_demo_to_everybody(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    looked = await call(hub.app, "GET", "/", {"cookie": "margelle_demo=look", "accept": "text/html"})
    assert "This is a demo" in looked.text


async def test_over_tls_too_an_account_is_connected_in_the_browser_that_asked_for_it(tmp_path: Path) -> None:
    hub = await Hub(tmp_path, public_url="https://hub.example").furnish()
    desk = FaceDesk(FACE, hub.store, lambda: NOW)
    here, there = [{"cookie": f"{SAFE_COOKIE}={await desk.issue('access', ADA, life_s=600)}"} for _ in range(2)]

    async def told(browser: dict[str, str], other: dict[str, str]) -> str:
        page = (await call(hub.app, "POST", "/connect/ondilo/leave", browser)).text
        (state,) = re.findall(r"state=([0-9a-f]{40})", page)
        form = urlencode({"address": f"https://hub.example/connect/ondilo/back?error=denied&state={state}"})
        return (await call(hub.app, "POST", "/connect/ondilo/paste", other, form.encode())).text

    assert "denied" in await told(here, here)
    assert "denied" not in await told(here, there)


class Guarded:
    """A cloud that counts who knocks; `good` is the only password it takes."""

    def __init__(self) -> None:
        self.asked = 0

    async def sign_in(self, vendor: str, owner: str, login: str, password: str, account: Account | None) -> Connected:
        self.asked += 1
        await asyncio.sleep(0)
        if password != "good":
            raise Refused("The cloud answered 401.")
        return Connected(Account("baxo", "baxo", owner, login), again=True)


@pytest.fixture
def cloud(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Guarded:
    guarded = Guarded()
    monkeypatch.setattr("margelle.cli.connections.HubConnections.sign_in", guarded.sign_in)
    return guarded


async def knock(hub: Hub, login: str = "ada@maker.example", password: str = "guess", user: str = ADA) -> Response:
    return await hub.ask(
        user, "POST", "/connect/baxo?lang=fr", urlencode({"login": login, "password": password}).encode()
    )


async def test_nobody_guesses_a_vendors_password_through_the_hub(hub: Hub, cloud: Guarded) -> None:
    assert [(await knock(hub)).status for _ in range(5)] == [400] * 5
    answer = await knock(hub, password="good")
    assert answer.status == 429
    assert answer.headers["retry-after"] == "900"
    assert "Trop d’essais refusés. Réessayez dans 15\u00a0min." in answer.text
    assert 'value="ada@maker.example"' in answer.text
    assert cloud.asked == 5, "the cloud, and the budget of the account, are left alone"
    assert (await knock(hub, "ADA@maker.example")).status == 429, "however it is written"
    assert (await knock(hub, user=EVE)).status == 400, "others are not shut out"
    hub.now += timedelta(minutes=15)
    assert (await knock(hub, password="good")).headers["location"] == "/collection/baxo?said=connected_again"


async def test_many_logins_are_guessing_too(hub: Hub, cloud: Guarded) -> None:
    statuses = [(await knock(hub, f"{n}@maker.example")).status for n in range(16)]
    assert statuses == [400] * 15 + [429]


async def test_guesses_at_the_same_moment_are_no_more(hub: Hub, cloud: Guarded) -> None:
    answers = await asyncio.gather(*(knock(hub, password=f"guess {n}") for n in range(20)))
    assert sorted(one.status for one in answers) == [400] * 5 + [429] * 15
    assert cloud.asked == 5


async def test_who_was_let_in_may_mistype_again(hub: Hub, cloud: Guarded) -> None:
    for password in (*["typo"] * 4, "good", *["typo"] * 5):
        answer = await knock(hub, password=password)
        assert answer.status == (303 if password == "good" else 400)
    assert (await knock(hub)).status == 429


@pytest.mark.parametrize(
    ("language", "demo", "public"),
    [
        ("en", "the login and password that the demo has printed in its terminal", "any user of this hub, with their"),
        (
            "fr",
            "l’identifiant et le mot de passe que la démo a affichés dans son terminal",
            "tout utilisateur de ce hub",
        ),
    ],
)
async def test_who_has_not_signed_in_is_told_as_whom_clients_do(
    hub: Hub, language: str, demo: str, public: str
) -> None:
    for is_demo, told, not_told in ((True, demo, public), (False, public, demo)):
        app = hub.house.app(public_page=True, demo=is_demo)
        page = (await call(app, "GET", f"/hub/faces?lang={language}")).text.replace("\u00a0", " ")
        assert told in page
        assert not_told not in page
        assert "…," not in page
        only = {"en": "Here it can only be looked at", "fr": "Ici, on ne fait que regarder"}[language]
        assert (only in page) == is_demo
