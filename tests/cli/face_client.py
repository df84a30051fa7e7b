"""A client of Ondilo's API that knows nothing of ours: raw HTTP, and JSON as it comes."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

API = "/api/customer/v1"
BACK = "http://localhost/back"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Refusal(Exception):
    """The face answered with another status than 200."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:200]!r}")
        self.status = status


class FaceClient:
    """Speaks to the face at `base_url`."""

    def __init__(self, base_url: str) -> None:
        self._base = urlsplit(base_url)
        self.token = ""

    def sign_in(self, login: str, password: str) -> None:
        """OAuth 2.0 with an authorization code, by the form. Raises Refusal."""
        query = urlencode(
            {"response_type": "code", "client_id": "customer_api", "redirect_uri": BACK, "scope": "api", "state": "a:b"}
        )
        form = {"login": login, "password": password, "locale": "fr", "proceed": "Authorize"}
        answer, body = self._ask("POST", f"/oauth2/authorize?{query}", urlencode(form), FORM)
        back = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        if answer.status != 302 or "code" not in back:
            raise Refusal(answer.status, body)
        assert back["state"] == ["a:b"]
        grant = {
            "grant_type": "authorization_code",
            "client_id": "customer_api",
            "code": back["code"][0],
            "redirect_uri": BACK,
        }
        answer, body = self._ask("POST", "/oauth2/token", urlencode(grant), FORM)
        self.token = self._read(answer, body)["access_token"]

    def get(self, path: str) -> Any:
        """What a path below the API's answers. Raises Refusal."""
        return self._read(*self._ask("GET", API + path, None, {"Authorization": f"Bearer {self.token}"}))

    def put(self, path: str) -> Any:
        """What a PUT with an empty body answers. Raises Refusal."""
        return self._read(*self._ask("PUT", API + path, "", {"Authorization": f"Bearer {self.token}"}))

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection(self._base.hostname or "", self._base.port, timeout=20)
        try:
            connection.request(method, self._base.path + path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    @staticmethod
    def _read(answer: HTTPResponse, body: bytes) -> Any:
        if answer.status != 200:
            raise Refusal(answer.status, body)
        return json.loads(body)
