"""What clients can ask, and what the clouds' log calls it, are the same: for every path of every face, and every fault that fits it."""

from __future__ import annotations

import re

import pytest

from margelle import testing
from margelle.simulate.faults import CATALOGUE
from margelle.simulate.faults.operations import OPERATIONS, operation_of
from margelle.vendors import VENDORS
from tests.simulate.faults.client import API, FORM, BaxoClient, Client, FliprClient, Told, ask

EVERYTHING = {"body-empty", "html-200", "html-502", "maintenance-503", "slow", "cut", "quota-429", "quota-429-bare", "error-500", "forbidden-403"}  # fmt: skip


@pytest.fixture
def clients(client: Client, flipr: FliprClient, baxo: BaxoClient) -> tuple[Client, FliprClient, BaxoClient]:
    return client, flipr, baxo


def requests_of(
    client: Client, flipr: FliprClient, baxo: BaxoClient
) -> dict[str, tuple[str, str, str, dict[str, str], str]]:
    """By operation: the base URL, method, target, headers and body of a request."""
    ondilo, module = {"Authorization": f"Bearer {client.access}"}, {"Authorization": f"Bearer {flipr.access}"}
    pool, serial = f"{API}/pools/{client.pool}", flipr.serial
    targets = {
        "ondilo/user-info": f"{API}/user/info", "ondilo/user-units": f"{API}/user/units", "ondilo/pools": f"{API}/pools",
        "ondilo/device": f"{pool}/device", "ondilo/configuration": f"{pool}/configuration", "ondilo/shares": f"{pool}/shares",
        "ondilo/lastmeasures": f"{pool}/lastmeasures", "ondilo/measures": f"{pool}/measures?type=ph&period=day",
        "ondilo/recommendations": f"{pool}/recommendations",
        "flipr/modules": "/modules", "flipr/resume": f"/modules/{serial}/NewResume", "flipr/last": f"/modules/{serial}/survey/last",
        "flipr/hours": f"/modules/{serial}/survey/LastHours/4", "flipr/days": f"/modules/{serial}/survey/statsPerDays/2",
        "flipr/pool": f"/modules/{serial}/pool", "flipr/short-term": f"/modules/{serial}/shortterm",
        "flipr/thresholds": f"/modules/{serial}/thresholds", "flipr/place": "/place", "flipr/alerts": "/place/1/allAlerts",
        "flipr/hub-state": f"/hub/{serial}/state",
    }  # fmt: skip
    bases = {"ondilo": (client.base_url, ondilo), "flipr": (flipr.base_url, module)}
    found = {
        one: (bases[one.partition("/")[0]][0], "GET", target, bases[one.partition("/")[0]][1], "")
        for one, target in targets.items()
    }
    found["ondilo/validate"] = (client.base_url, "PUT", f"{pool}/recommendations/1", ondilo, "")
    found["ondilo/authorize"] = (client.base_url, "GET", "/oauth2/authorize", {}, "")
    found["ondilo/token"] = (client.base_url, "POST", "/oauth2/token", FORM, "grant_type=refresh_token")
    found["flipr/token"] = (flipr.base_url, "POST", "/OAuth2/token", FORM, "grant_type=password")
    found["flipr/hub-mode"] = (flipr.base_url, "PUT", f"/hub/{serial}/mode/auto", module, "")
    found["flipr/hub-pump"] = (flipr.base_url, "POST", f"/hub/{serial}/Manual/True", module, "")
    for get, name in (("contracts", "contracts"), ("devices", "devices"), ("device", "device"), ("devices-realtimes", "realtimes"),
                      ("devices-historics", "historics"), ("devices-tags-write", "write")):  # fmt: skip
        found[f"baxo/{name}"] = (baxo.base_url, "GET", f"/k1?get={get}&username=x", {}, "")
    return found


def sent(request: tuple[str, str, str, dict[str, str], str]) -> Told:
    base, method, target, headers, body = request
    return ask(base, method, target, body or None, headers)


def test_every_operation_is_known_by_a_request_of_it(
    sky: testing.Sky, clients: tuple[Client, FliprClient, BaxoClient]
) -> None:
    requests = requests_of(*clients)
    assert set(requests) == {one.id for one in OPERATIONS}
    for name, request in requests.items():
        assert sent(request).status < 500
        assert sky.log[-1].operation == name


def test_every_path_of_every_face_is_of_an_operation(sky: testing.Sky) -> None:
    told = ask(sky.url, "GET", "/").json["vendors"]
    for vendor in VENDORS:
        paths = [path.removeprefix(f"/{vendor}") for path in told[vendor]["paths"]]
        assert paths
        for path in paths:
            plain = re.sub(r"{[^}]+}", "1", path)
            gets = ("contracts",) if vendor == "baxo" else ("",)
            found = [operation_of(vendor, method, plain, get) for method in ("GET", "PUT", "POST") for get in gets]
            assert any(found), path


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_what_befalls_everything_befalls_every_operation_that_it_fits(
    sky: testing.Sky, clients: tuple[Client, FliprClient, BaxoClient], name: str
) -> None:
    requests = requests_of(*clients)
    sky.faults.choose(name)
    (fault,) = (one for one in CATALOGUE if one.name == name)
    for operation in fault.operations:
        sent(requests[operation])
        assert (sky.log[-1].operation, sky.log[-1].fault) == (operation, name)
