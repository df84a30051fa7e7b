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
    """Signs in, and keeps its tokens."""

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
