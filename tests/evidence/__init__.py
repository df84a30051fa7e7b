"""Foreign bytes: what vendors' documents print and what other people's programs send and receive.

`exchanges` are the documents' own examples, one file each; `facts` are lists, requests and answers described by others. Each is named in
the vendor's PROVENANCE.toml.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.json import decode

HERE = Path(__file__).parent


class SentRequest(Struct, frozen=True):
    """A request as it is printed. `query` is raw, without the question mark."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


class GotAnswer(Struct, frozen=True):
    """An answer as it is printed: either `body`, or `printed` with a `repaired` body and a note that says what was repaired."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    printed: str | None = None
    repaired: str | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """The body that a cloud would send."""
        text = self.body if self.body is not None else self.repaired
        assert text is not None
        return text

    @property
    def json(self) -> Any:
        """The body's meaning."""
        return json.loads(self.text)


class Exchange(Struct, frozen=True):
    """A request and its answer."""

    name: str
    request: SentRequest
    response: GotAnswer


def exchanges(vendor: str) -> list[Exchange]:
    """Every exchange that the vendor's document prints, by file name."""
    return [decode(path.read_bytes(), type=Exchange) for path in sorted((HERE / vendor).glob("*.json"))]


def exchange(vendor: str, name: str) -> Exchange:
    """One of them; `name` is the file's, without its ending."""
    return decode((HERE / vendor / f"{name}.json").read_bytes(), type=Exchange)


def facts(vendor: str, name: str) -> Any:
    """The facts called `name`: `lists` (a dict), `requests`, `answers` (lists of dicts)."""
    return json.loads((HERE / vendor / "facts" / f"{name}.json").read_bytes())


def answer(vendor: str, what: str) -> GotAnswer:
    """The answer among the facts that is described as `what`."""
    (found,) = [entry for entry in facts(vendor, "answers") if entry["what"] == what]
    return GotAnswer(found["status"], found["headers"], found["body"])


def provenance(vendor: str) -> dict[str, dict[str, str]]:
    """Where each piece comes from."""
    return tomllib.loads((HERE / vendor / "PROVENANCE.toml").read_text())
