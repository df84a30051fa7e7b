"""PyPI's `ondilo`, unmodified, in a process of its own: it signs in, calls every method, and prints what it got as one JSON object.

Run as `python witness.py HOST LOGIN PASSWORD`; OAUTHLIB_INSECURE_TRANSPORT=1 lets its OAuth library speak http.
"""

from __future__ import annotations

import json
import sys
import time
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import ondilo.ondilo as library  # type: ignore[import-untyped]
import requests

REDIRECT = "https://example.com/api?tab=1"


class Form(HTMLParser):
    """The first form of a page, read as ondilo2loxone does: an input for a login, one for a password, and the rest as it is."""

    def __init__(self, page: str, login: str, password: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._login, self._password = login, password
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form" and self.action is None:
            assert given.get("method") == "post"
            self.action = given.get("action") or ""
        if tag == "input" and name:
            self.fields[name] = given.get("value") or ""
            if given.get("type") == "password":
                self.fields[name] = self._password
            elif given.get("type") == "email" or any(word in name for word in ("mail", "user", "login")):
                self.fields[name] = self._login


def sign_in(client: library.Ondilo, login: str, password: str) -> str:
    """The URL at which the browser arrives after the form."""
    url = client.get_authurl()
    session = requests.Session()
    form = Form(session.get(url, timeout=10).text, login, password)
    answer = session.post(
        urljoin(url, form.action) if form.action else url, form.fields, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def attempt(call: Any, *arguments: Any) -> Any:
    """What a method returns, or the error that it raises."""
    try:
        return call(*arguments)
    except library.OndiloError as error:
        return {"error": error.status_code, "message": error.message}


def main() -> None:
    """The command line."""
    host, login, password = sys.argv[1:]
    library.API_HOST = host
    library.API_URL = host + "/api/customer/v1"
    kept: list[Any] = []
    client = library.Ondilo(redirect_uri=REDIRECT, token_updater=kept.append)
    arrived = sign_in(client, login, password)
    first = client.request_token(authorization_response=arrived)
    told = {
        "arrived": arrived,
        "first": first,
        "user_info": client.get_user_info(),
        "user_units": client.get_user_units(),
        "pools": client.get_pools(),
        "device": client.get_ICO_details(234),
        "configuration": client.get_pool_config(234),
        "shares": client.get_pool_shares(234),
        "lastmeasures": client.get_last_pool_measures(234),
        "measures": {period: client.get_pool_histo(234, "temperature", period) for period in ("day", "week", "month")},
        "recommendations": client.get_pool_recommendations(234),
        "done": client.validate_pool_recommendation(234, 10251),
        "done_again": attempt(client.validate_pool_recommendation, 234, 10251),
        "recommendations_then": client.get_pool_recommendations(234),
        "foreign": attempt(client.get_ICO_details, 777),
        "wrong": attempt(client.get_pool_histo, 234, "temperature", "year"),
        "renewed": client.refresh_tokens(),
    }
    # As Home Assistant's library user does: a token from last week, which its OAuth library knows has expired.
    stale = library.Ondilo(
        token={**first, "access_token": "0" * 40, "expires_at": time.time() - 600}, token_updater=kept.append
    )
    told["pools_after_expiry"] = stale.get_pools()
    forged = library.Ondilo(token={**first, "access_token": "0" * 40, "expires_at": time.time() + 600})
    told["refused"] = attempt(forged.get_pools)
    told["kept"] = kept
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
