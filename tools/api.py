"""The page of the hub's own API, from the table of its endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from margelle.export.row import Row
from margelle.serve.api import measured, openapi, params
from margelle.serve.api.endpoint import FORMS, Endpoint
from margelle.serve.api.live import BEAT_S
from margelle.serve.api.reading import choices
from margelle.serve.api.routes import TABLE

_TITLES: Final = {
    "water": "Sites, probes, quantities",
    "measurements": "Measurements",
    "events": "Events and recommendations",
    "collection": "Collection",
    "people": "People and keys",
}

_PAGE: Final = """\
# The hub's own API

Written by `make docs` from the table of endpoints in `src/margelle/serve/api/`.

All that the hub keeps, whatever it came from, under `/api/v1`. The document of it is `/api/v1/openapi.json` (OpenAPI 3.1; `/api/v1/openapi-3.0.json` for tools that know no
later one), and `/api/v1/` is a page to try it in. Grafana and other clients of Prometheus have [their own door](grafana.md).

```
margelle user token you@example.org --name dashboard --scope read
curl -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8080/api/v1/latest'
curl -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8080/api/v1/measurements?quantity=ph&since=2026-07-01T00:00:00Z&format=csv'
```

## Who may ask

| way in | |
|---|---|
| a key | `Authorization: Bearer TOKEN`. `margelle user token` or `POST /keys` makes one, with a name, scopes and perhaps an end. It is told once; only its digest is kept |
| a login | `Authorization: Basic`, slow on purpose; good for everything that its user may do. A program that knows only logins can send a key as the password |
| a browser | that has signed in at the pages. What changes something is refused where it comes from another site |

A key does what its scopes say and its user's role at the site allows *now*. What is somebody else's does not exist: it is 404, never 403.

| scope | good for |
|---|---|
| `read` | all that is kept |
| `measure` | sending measurements. Tokens that were made before there were scopes are good for this, and nothing else |
| `intervene` | noting what was done at a site |
| `control` | acts on the water, such as validating a recommendation |
| `manage` | people, accounts and keys |

`api.origins` in the [settings](settings.md) names the web sites whose scripts may call the API with a key (CORS); there are none by default.

## Answers

Instants are RFC 3339 in UTC, units UCUM codes. Ids stay for ever; one may have a slash in it, which may stand in a path as it is. Parameters that may be repeated are: `probe=a&probe=b`. An unknown parameter is an
error, since it might have been another one, misspelt.

**Lists** are `{{"items": [...], "next": ...}}`: `next` is the `after` of the next part, null at the end, and also stands in the header `Link`. A part has {page} things where nothing is said, and
{most} at most.

**Rows** (measurements, statistics) can be had in other forms, by `format=` or by the header `Accept`. They are written as they are read, however many they are: without `limit` all of them.

| format | media type |
|---|---|
{forms}
Parquet and Arrow need the extra `margelle[columnar]`. All forms of a measurement have the columns of `margelle export`, and `margelle import` reads the CSV and NDJSON back. In CSV a text that a spreadsheet would compute has an apostrophe before it ([why](decisions/0049-cells-are-no-formulas.md)).

**Conditional requests.** Where an answer has an `ETag`, send it as `If-None-Match`, and what you have already is not sent again (304).

**Errors** are `application/problem+json` (RFC 9457); `errors` names each field that is wrong, where it stands, and what is expected:

```json
{{"type":"about:blank","title":"Bad Request","status":400,"detail":"limit: expected int >= 1.","errors":[{{"name":"limit","where":"query","detail":"expected int >= 1"}}]}}
```

**Limits.** Each key, or user without one, may ask `api.requests_per_minute` times; the headers `RateLimit` and `RateLimit-Policy` say how that stands, and beyond it the answer is 429 with `Retry-After`. Statistics of hours
span at most {hours} hours in one question.

## A measurement

| column | |
|---|---|
{columns}
## Live updates

`GET /stream` answers with server-sent events for as long as the client stays: `measurement` has a row, `reset` says that some were missed (the client was too slow, or was away for too long), so ask for what you
show. After {beat:g} seconds of silence comes a comment. A client that connects again with `Last-Event-ID`, as browsers do by themselves, goes on where it was interrupted. Only what is newer than the latest, or corrects it, is
told: the past that is filled in later is not.

```
curl -N -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8080/api/v1/stream?site=own:garden-pool'
```
{endpoints}"""

_COLUMNS: Final = {
    "at": "The instant",
    "probe": "The probe's id",
    "site": "The id of the site at which it is now",
    "quantity": "What was measured",
    "value": "In `unit`; null where no number could be read",
    "unit": "UCUM code",
    "valid": "Whether nothing speaks against the value",
    "reason": "What does, in one line",
    "raw": "The number as its vendor wrote it",
    "raw_unit": "In which unit that was",
    "origin": "From where it came",
    "doubts": "Each reason with its [kind](verdicts.md)",
}


def page() -> str:
    """The page."""
    return _PAGE.format(
        page=params.PAGE,
        most=f"{params.MOST:,}".replace(",", " "),
        forms="".join(f"| `{name}` | `{media.partition(';')[0]}` |\n" for name, media in FORMS.items()),
        hours=measured.MOST_HOURS,
        columns="".join(f"| `{name}` | {_COLUMNS[name]} |\n" for name in Row.__struct_fields__),
        beat=BEAT_S,
        endpoints="".join(_endpoints()),
    )


def _endpoints() -> Iterator[str]:
    for tag, title in _TITLES.items():
        yield f"\n## {title}\n"
        for one in TABLE:
            if one.tag == tag:
                yield _endpoint(one)


def _endpoint(one: Endpoint) -> str:
    told = [f"\n### `{one.method} {one.path}`\n\n{one.sentence} Needs the scope `{one.scope}`."]
    if one.rows is not None:
        told.append(" Rows in any form.")
    told.append("\n")
    rows = [_parameter(each) for each in openapi.parameters(one) if each["name"] != "format"]
    if rows:
        told.append("\n| parameter | |\n|---|---|\n" + "".join(rows))
    if one.body is not None:
        fields = ", ".join(_field(each) for each in msgspec.structs.fields(one.body))
        told.append(f"\nIts body is JSON with {fields}.\n")
    if one.sent:
        told.append(
            f"\nIts body is one of {', '.join(f'`{each}`' for each in one.sent)}: [what is sent to the hub](push.md).\n"
        )
    return "".join(told)


def _parameter(told: dict[str, Any]) -> str:
    schema = told["schema"]
    choices = f" One of {', '.join(f'`{each}`' for each in schema['enum'])}." if "enum" in schema else ""
    default = schema.get("default")
    usual = f" Default: `{str(default).lower()}`." if default not in (None, []) else ""
    where = ", in the path" if told["in"] == "path" else ", needed" if told["required"] else ""
    return f"| `{told['name']}`{where} | {told.get('description', '')}{choices}{usual} |\n"


def _field(field: Any) -> str:
    told = ["" if field.required else "may be missing", ", ".join(f"`{one}`" for one in choices(field.type))]
    more = "; one of ".join(told) if told[1] else told[0]
    return f"`{field.name}`" + (f" ({more.removeprefix('; ')})" if more else "")
