"""How the collector finds a cloud, and that it never takes a hub for one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from margelle.errors import BadInput, Misled, Unreachable
from margelle.net.address import host_name
from margelle.net.names import Names, is_here
from margelle.net.resolver import CloudResolver
from margelle.ports import Request
from margelle.store.memory import MemoryStore
from tests import hostile
from tests.hostile import HostileCloud
from tests.net.conftest import Make, the_receipts

CLOUD = "interop.ondilo.com"
AWAY = "192.0.2.7"


class NameServer(asyncio.DatagramProtocol):
    """Knows one name, of one kind of address, and nothing else."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known = {f"{CLOUD}.": AWAY}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name = question.name.to_text()
        self.asked.append(name)
        answer = dns.message.make_response(query)
        if name in self.known and question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", self.known[name]))
        self._transport.sendto(answer.to_wire(), addr)


@pytest.fixture
async def name_server() -> AsyncIterator[tuple[NameServer, str]]:
    """A name server, and how the setting names it."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    yield server, f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    transport.close()


def hosts_file(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let this machine's resolver send every name to `address`, as a line in its hosts file does."""

    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        return [{"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)


async def found(names: Names, host: str = CLOUD) -> list[str]:
    return [one["host"] for one in await CloudResolver(names, 5).resolve(host, 443)]


async def test_a_cloud_that_leads_to_this_machine_is_an_incident_that_says_what_to_do(
    make: Make, cloud: HostileCloud, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts_file(monkeypatch, "127.0.0.1")
    http = make(names=Names(clouds=frozenset({CLOUD})))
    with pytest.raises(Misled, match=f"{CLOUD} leads to this machine itself") as caught:
        await http.ask(Request("pools", "GET", f"http://{CLOUD}:{cloud.port}/pools"))
    assert "collect.resolve" in caught.value.hint
    assert caught.value.actor == "operator"
    assert cloud.seen == []
    (receipt,) = await the_receipts(store)
    assert receipt.status == 0


@pytest.mark.parametrize("entry", ["pin", "name server"])
async def test_the_setting_leads_past_the_hosts_file(
    name_server: tuple[NameServer, str], monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    hosts_file(monkeypatch, "127.0.0.1")
    server, address = name_server
    names = Names.of([address if entry == "name server" else f"{CLOUD}={AWAY}"], [CLOUD])
    assert await found(names) == [AWAY]
    assert set(server.asked) == ({f"{CLOUD}."} if entry == "name server" else set())


async def test_a_pin_reaches_the_cloud_and_names_it_as_before(make: Make, cloud: HostileCloud) -> None:
    cloud.always(hostile.json([]))
    http = make(names=Names.of(["cloud.example=127.0.0.1"]))
    answer = await http.ask(Request("pools", "GET", f"http://cloud.example:{cloud.port}/pools"))
    assert answer.status == 200
    assert [call.headers["host"] for call in cloud.seen] == [f"cloud.example:{cloud.port}"]


async def test_a_name_server_that_leads_here_is_not_followed_either(name_server: tuple[NameServer, str]) -> None:
    server, address = name_server
    server.known[f"{CLOUD}."] = "127.0.0.1"
    with pytest.raises(Misled):
        await found(Names.of([address], [CLOUD]))


async def test_a_name_that_no_server_knows_cannot_be_looked_up(name_server: tuple[NameServer, str], make: Make) -> None:
    http = make(names=Names.of([name_server[1]], [CLOUD]))
    with pytest.raises(Unreachable, match=r"nowhere\.example cannot be looked up"):
        await http.ask(Request("pools", "GET", "http://nowhere.example/pools"))


async def test_other_hosts_may_be_here(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts_file(monkeypatch, "127.0.0.1")
    assert await found(Names(clouds=frozenset({CLOUD})), "clouds.home.arpa") == ["127.0.0.1"]


@pytest.mark.parametrize(("server", "refused"), [("Margelle", True), ("nginx", False), ("", False)])
async def test_a_cloud_that_answers_as_a_hub_does_is_not_believed(
    make: Make, cloud: HostileCloud, server: str, refused: bool
) -> None:
    cloud.always(hostile.json([], headers={"Server": server}))
    http = make(names=Names.of([f"{CLOUD}=127.0.0.1"], [CLOUD]))
    request = Request("pools", "GET", f"http://{CLOUD}:{cloud.port}/pools")
    if refused:
        with pytest.raises(Misled, match="leads to a Margelle"):
            await http.ask(request)
    else:
        assert (await http.ask(request)).status == 200


@pytest.mark.parametrize(("server", "refused"), [("Margelle (17af)", True), ("Margelle (b2c4)", False)])
async def test_this_hub_itself_is_no_cloud_whatever_it_is_called(
    make: Make, cloud: HostileCloud, server: str, refused: bool
) -> None:
    cloud.always(hostile.json([], headers={"Server": server}))
    http = make(names=Names.of([], [CLOUD], mark="17af"))
    request = Request("pools", "GET", f"http://127.0.0.1:{cloud.port}/ondilo/pools")
    if refused:
        with pytest.raises(Misled, match="leads back to this hub itself"):
            await http.ask(request)
    else:
        assert (await http.ask(request)).status == 200


@pytest.mark.parametrize(
    ("number", "here"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("0.0.0.0", True), (AWAY, False), ("2001:db8::7", False)],
)
def test_an_address_is_here_if_a_program_may_listen_on_it(number: str, here: bool) -> None:
    assert is_here(number) is here


def test_the_setting_is_read() -> None:
    names = Names.of(
        [
            "9.9.9.9",
            "192.0.2.1:5353",
            "[2620:fe::fe]:53",
            "2620:fe::9",
            "Interop.Ondilo.com = 192.0.2.7",
            f"{CLOUD}=192.0.2.8",
        ]
    )
    assert names.servers == (("9.9.9.9", 53), ("192.0.2.1", 5353), ("2620:fe::fe", 53), ("2620:fe::9", 53))
    assert names.pins == {CLOUD: (AWAY, "192.0.2.8")}


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "dns.example",
        f"{CLOUD}=",
        f"{CLOUD}=cloud",
        "=1.2.3.4",
        "9.9.9.9:0",
        "9.9.9.9:99999",
        "a/b=1.2.3.4",
        "1.2.3",
    ],
)
def test_an_entry_that_says_nothing_is_refused(entry: str) -> None:
    with pytest.raises(BadInput):
        Names.of([entry])


@pytest.mark.parametrize("text", ["", "a b", "a..b", "-a.b", "\n"])
def test_what_is_no_name_of_a_host_is_said_so(text: str) -> None:
    with pytest.raises(BadInput, match="is not the name of a host"):
        host_name(text)
