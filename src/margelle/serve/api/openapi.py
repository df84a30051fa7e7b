"""The OpenAPI document, made from the table of endpoints and msgspec's own JSON Schema of their records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from margelle import __version__
from margelle.serve.api import API
from margelle.serve.api.endpoint import FORMS, Endpoint
from margelle.serve.api.problem import Problem
from margelle.serve.api.reading import in_path

_REF: Final = "#/components/schemas/{name}"
_ALWAYS: Final = (400, 401, 403, 429, 503)
_TABLE: Final = (406,)
_SENTENCES: Final = {
    "water": "Sites, their probes, and what can be measured.",
    "measurements": "What was measured.",
    "events": "What was done, and what vendors advise.",
    "collection": "What the hub collects, and from where.",
    "people": "Who may do what.",
}
_DESCRIPTION: Final = """\
Every answer holds what your role at each site, and the scopes of the key that you use, allow; what is somebody else's does not exist. Instants are
RFC 3339 in UTC, units UCUM codes, ids stay for ever.
"""


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `endpoints`."""
    kinds = list(
        dict.fromkeys(kind for one in endpoints for kind in (one.answer, one.body, one.rows) if kind is not None)
    )
    shapes, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REF)
    schema = dict(zip([*kinds, Problem], shapes, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schema)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Margelle",
            "version": __version__,
            "description": _DESCRIPTION.replace("\n", " ").strip(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": API.rstrip("/")}],
        "security": [{"key": []}, {"login": []}],
        "tags": [{"name": name, "description": said} for name, said in _SENTENCES.items()],
        "paths": paths,
        "components": {
            "schemas": _named(components),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key: `margelle user token`, or `POST /keys`.",
                },
                "login": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "A login of this hub; or, in the password's place, a key.",
                },
            },
        },
    }


def older(document: dict[str, Any]) -> dict[str, Any]:
    """The same document as OpenAPI 3.0 says it, for tools that know no later one: a null is `nullable`, a constant an `enum` of one."""
    told = _older(document)
    told["openapi"] = "3.0.3"
    told["info"]["license"].pop("identifier")
    return dict(told)


def parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The parameters of an endpoint, each with its schema."""
    path = in_path(endpoint.path)
    told = [
        {"name": name, "in": "path" if name in path else "query", "required": required, **_described(schema)}
        for name, schema, required in _fields(endpoint.params)
    ]
    if endpoint.rows:
        words = "The form of the answer, if not by the header Accept. Parquet and Arrow need margelle[columnar]."
        told.append(
            {"name": "format", "in": "query", "required": False, "description": words, "schema": {"enum": list(FORMS)}}
        )
    return told


def _operation(one: Endpoint, schema: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.sentence,
        "description": f"Needs the scope `{one.scope}`.",
        "parameters": parameters(one),
        "responses": {str(one.status): _answer(one, schema)} | _refusals(one, schema),
    }
    if one.tagged:
        told["responses"]["304"] = {"description": "What you have (If-None-Match) is still true."}
    if one.body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema[one.body]}}}
    if one.sent:
        told["requestBody"] = {"required": True, "content": {media: {"schema": {}} for media in one.sent}}
    return told


def _answer(one: Endpoint, schema: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": HTTPStatus(one.status).phrase}
    if one.answer is not None:
        told["content"] = {one.told: {"schema": schema[one.answer]}}
    if one.rows:
        told["content"] |= {media.partition(";")[0]: {"schema": {}} for form, media in FORMS.items() if form != "json"}
    return told


def _refusals(one: Endpoint, schema: dict[Any, Any]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": schema[Problem]}}
    statuses = sorted({*_ALWAYS, *one.errors, *(_TABLE if one.rows else ())})
    return {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _fields(kind: type[Struct]) -> Iterable[tuple[str, dict[str, Any], bool]]:
    (_,), components = msgspec.json.schema_components([kind], ref_template=_REF)
    told = components.get(kind.__name__, {})
    for name, schema in told.get("properties", {}).items():
        yield name, _without_null(schema), name in told.get("required", ())


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of what a parameter is if it is there; a URL knows no null."""
    some = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
    found = {**some[0], **rest} if len(some) == 1 else dict(schema)
    if found.get("default", 0) is None or found.get("default") == []:
        found.pop("default")
    return found


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in schema.items() if name not in {"description", "title"}}
    return {"schema": told, **({"description": schema["description"]} if "description" in schema else {})}


def _named(components: dict[str, Any]) -> dict[str, Any]:
    """Schemas by name, with docstrings on one line."""
    for schema in components.values():
        if "description" in schema:
            schema["description"] = re.sub(r"\s+", " ", schema["description"]).strip()
    return components


def _older(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_older(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: _older(value) for name, value in schema.items()}
    if "const" in told:
        told["enum"] = [told.pop("const")]
    if isinstance(told.get("anyOf"), list) and {"type": "null"} in told["anyOf"]:
        rest = [one for one in told.pop("anyOf") if one != {"type": "null"}]
        told |= {"nullable": True, **({"allOf": rest} if len(rest) == 1 else {"anyOf": rest})}
    if "prefixItems" in told:
        told["items"] = {"anyOf": told.pop("prefixItems")}
    if isinstance(told.get("exclusiveMinimum"), int | float):
        told |= {"minimum": told["exclusiveMinimum"], "exclusiveMinimum": True}
    if told.get("required") == []:  # which it may not be there
        told.pop("required")
    if isinstance(told.get("type"), list):
        told["type"] = next(one for one in told["type"] if one != "null")
        told["nullable"] = True
    if "enum" in told and None in told["enum"]:
        told["enum"] = [one for one in told["enum"] if one is not None]
        told["nullable"] = True
    return told
