"""An id that a face has given is the same for ever, and nobody else's: whatever comes, in which order, and after any restart."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from margelle.domain.site import User
from margelle.ports import Answer, Request, Store
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.vendors.fakes import FakeHttp, FakeTokens
from tests.vendors.pairs.house import HASH, LOGIN, collect, faces
from tests.vendors.pairs.shown import LISTED, hubs_on_flipr
from tests.vendors.parties import BAXO, FLIPR, ONDILO, PARTIES, Caller, Party

KEY = Fernet.generate_key()
REALMS = ("", "test", "other-hub")
NAMES = (b"John's Pool", b"Piscine", b"MyDevice1", b"MyDevice2")
SERIAL = b"AB256C"
"""The Flipr's."""

HOW_MANY = {"ondilo": 1, "flipr": 1, "baxo": 2}
"""Probes in each party's evidence."""

HUBS = {"flipr": {"flipr": 1}}
"""By face, the hubs in each party's evidence: no other face has a word for them."""


def renamed(party: Party, realm: str, serial: bytes = SERIAL) -> dict[str, Any]:
    """The party's answers, with the same ids in every realm and names that tell these apart."""

    def named(answer: Answer) -> Answer:
        body = answer.body.replace(SERIAL, serial)
        for name in NAMES:
            body = body.replace(name, name + f" @{realm}".encode())
        return Answer(answer.status, answer.headers, body, answer.at)

    def rename(script: Any) -> Any:
        if isinstance(script, Answer):
            return named(script)
        return lambda request: named(script(request))

    return {name: rename(script) for name, script in party.moments[-1].answers.items()}


async def told(store: Store, credentials: dict[str, str]) -> dict[str, dict[str, str]]:
    """By face, what every name stands under, from a hub that has just started."""
    hub = faces(store, [PARTIES[0].moments[-1].now])
    by_face = {}
    for face in PARTIES:
        if face.name not in credentials:
            credentials[face.name] = (await hub.at(face)).credentials
        caller = Caller(face, hub.app, credentials[face.name])
        pairs = await LISTED[face.name](caller) + (await hubs_on_flipr(caller) if face is FLIPR else [])
        by_face[face.name] = dict(pairs)
        assert len(by_face[face.name]) == len(pairs)
        assert len(set(by_face[face.name].values())) == len(pairs)
    return by_face


def check(order: list[tuple[Party, str]], restarts: list[bool], serial: bytes = SERIAL) -> None:
    async def all_of_it(folder: Path) -> None:
        url, vault = str(folder / "margelle.sqlite"), Vault(KEY)
        store, credentials = open_store(url, vault), dict[str, str]()
        await store.put_user(User(LOGIN, HASH))
        known: dict[str, dict[str, str]] = {face.name: {} for face in PARTIES}
        for n, (party, realm) in enumerate(order):
            await collect(store, party, answers=renamed(party, realm, serial), realm=realm)
            if restarts[n]:
                await store.close()
                store = open_store(url, vault)
            now = await told(store, credentials)
            for face, before in known.items():
                assert before.items() <= now[face].items()
                hubs = HUBS.get(face, {})
                assert len(now[face]) == sum(HOW_MANY[one.name] + hubs.get(one.name, 0) for one, _ in order[: n + 1])
            known = now
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(all_of_it(Path(folder)))


@settings(max_examples=5)
@given(
    st.permutations([(party, realm) for party in PARTIES for realm in REALMS]).map(lambda order: order[:5]),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_an_id_is_the_same_for_ever_and_never_somebody_elses(
    order: list[tuple[Party, str]], restarts: list[bool]
) -> None:
    check(order, restarts)


def test_the_same_vendor_ids_in_three_clouds_are_different_ids_on_every_face() -> None:
    check([(party, realm) for party in PARTIES for realm in REALMS], [False] * 8 + [True])


def test_a_serial_of_another_form_is_one_probes_only_too() -> None:
    check([(FLIPR, realm) for realm in reversed(REALMS)], [True, False, True], b"FLIPR-2026-000017")


async def test_a_second_account_that_reaches_the_same_probe_shows_the_same_id(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "margelle.sqlite"), Vault(KEY))
    await store.put_user(User(LOGIN, HASH))
    for party in PARTIES:
        await collect(store, party)
    credentials: dict[str, str] = {}
    before = await told(store, credentials)
    for party in PARTIES:
        await collect(store, party, name=f"{party.name}-again")
    assert await told(store, credentials) == before
    await store.close()


async def test_a_probe_that_vanishes_and_comes_back_has_its_id_again(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "margelle.sqlite"), Vault(KEY))
    await store.put_user(User(LOGIN, HASH))
    for party in (ONDILO, FLIPR, BAXO):
        await collect(store, party)
    credentials: dict[str, str] = {}
    before = await told(store, credentials)
    devices = BAXO.moments[0].answers["devices"]
    assert isinstance(devices, Answer)
    one_only = Answer(200, {}, b'{"devices":[{"id":"3219875446","name":"MyDevice1"}]}', devices.at)
    await discover(store, BAXO, one_only)
    less = await told(store, credentials)
    assert "MyDevice2" not in less["ondilo"]
    assert less["flipr"].items() < before["flipr"].items()
    await discover(store, BAXO, devices)
    assert await told(store, credentials) == before
    await store.close()


async def discover(store: Store, party: Party, devices: Answer) -> None:
    """What its cloud tells of devices now."""

    def answered(_: Request) -> Answer:
        return devices

    account, now = party.account(LOGIN), party.moments[-1].now
    http = FakeHttp(**{**party.moments[-1].answers, "devices": answered})
    found = await party.source(account, http, FakeTokens()).discover(now)
    await store.put_discovery(account.id, found, now)
