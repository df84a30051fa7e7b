"""A client that knows nothing of ours: raw HTTP, and whatever comes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, IncompleteRead
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

API = "/api/customer/v1"
BACK = "http://localhost/back"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Told:
    """An answer. `whole` is False where the connection was closed before its announced end."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(base_url: str, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Told:
    base = urlsplit(base_url)
    connection = HTTPConnection(base.hostname or "", base.port, timeout=20)
    try:
        connection.request(method, base.path + path, body, headers or {})
        answer = connection.getresponse()
        said = {name.lower(): value for name, value in answer.getheaders()}
        try:
            return Told(answer.status, said, answer.read())
        except IncompleteRead as cut:
            return Told(answer.status, said, cut.partial, whole=False)
    finally:
        connection.close()


class Client:
    """Of Ondilo's cloud. Signs in, and keeps its tokens."""

    def __init__(self, base_url: str, login: str, password: str) -> None:
        self.base_url = base_url
        query = urlencode({"response_type": "code", "client_id": "customer_api", "redirect_uri": BACK, "state": "x"})
        form = urlencode({"login": login, "password": password, "locale": "en", "proceed": "Authorize"})
        arrived = ask(base_url, "POST", f"/oauth2/authorize?{query}", form, FORM).headers["location"]
        code = parse_qs(urlsplit(arrived).query)["code"][0]
        told = self.token(grant_type="authorization_code", code=code, redirect_uri=BACK).json
        self.access, self.refresh = told["access_token"], told["refresh_token"]
        self.pool = self.get("/pools").json[0]["id"]

    def token(self, **form: str) -> Told:
        return ask(self.base_url, "POST", "/oauth2/token", urlencode({"client_id": "customer_api", **form}), FORM)

    def renew(self) -> Told:
        return self.token(grant_type="refresh_token", refresh_token=self.refresh)

    def get(self, path: str) -> Told:
        return ask(self.base_url, "GET", API + path, None, {"Authorization": f"Bearer {self.access}"})

    def last(self) -> Told:
        return self.get(f"/pools/{self.pool}/lastmeasures?types[]=ph&types[]=temperature")

    def measures(self) -> Told:
        return self.get(f"/pools/{self.pool}/measures?type=temperature&period=day")

    usual = last


class FliprClient:
    """Of Flipr's cloud."""

    def __init__(self, base_url: str, login: str, password: str) -> None:
        self.base_url, self.login, self.password = base_url, login, password
        told = self.sign_in().json
        self.access, self.refresh = told["access_token"], told["refresh_token"]
        self.serial = next(one["Serial"] for one in self.get("/modules").json if one["ModuleType_Id"] == 1)

    def token(self, **form: str) -> Told:
        return ask(self.base_url, "POST", "/OAuth2/token", urlencode(form), FORM)

    def sign_in(self) -> Told:
        return self.token(grant_type="password", username=self.login, password=self.password)

    def renew(self) -> Told:
        return self.token(grant_type="refresh_token", refresh_token=self.refresh)

    def get(self, path: str) -> Told:
        return ask(self.base_url, "GET", path, None, {"Authorization": f"Bearer {self.access}"})

    def module(self, path: str) -> Told:
        return self.get(f"/modules/{self.serial}/{path}")

    def usual(self) -> Told:
        return self.module("NewResume")


class BaxoClient:
    """Of BAXO Connect."""

    def __init__(self, base_url: str, login: str, password: str) -> None:
        self.base_url, self.login = base_url, {"username": login, "password": password}
        self.contract = self.ask("contracts").json["contracts"][0]["id"]
        self.devices = [one["id"] for one in self.ask("devices", contractId=self.contract).json["devices"]]

    def ask(self, get: str, **given: str) -> Told:
        """By GET; `post` does the same by a form, and `say` by JSON."""
        return ask(self.base_url, "GET", f"/k1?{urlencode({'get': get, **self.login, **given})}")

    def post(self, get: str, **given: str) -> Told:
        return ask(self.base_url, "POST", "/k1", urlencode({"get": get, **self.login, **given}), FORM)

    def say(self, get: str, **given: str) -> Told:
        body = json.dumps({"get": get, **self.login, **given})
        return ask(self.base_url, "POST", "/k1", body, {"Content-Type": "application/json"})

    def of_device(self, get: str, **given: str) -> Told:
        return self.ask(get, contractId=self.contract, deviceId=self.devices[0], **given)

    def usual(self) -> Told:
        return self.of_device("devices-realtimes")

    def past(self) -> Told:
        return self.of_device("devices-historics", startTime="0")

    def turn(self, url: str, *, form: bool = False) -> Told:
        """The page at the address that an answer told, by GET, or as a form with the login."""
        query = urlsplit(url).query
        if not form:
            return ask(self.base_url, "GET", f"/k1?{query}")
        given = {name: values[0] for name, values in parse_qs(query).items()}
        return ask(self.base_url, "POST", "/k1", urlencode(given | self.login), FORM)
