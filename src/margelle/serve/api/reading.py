"""What a request says, checked field by field: parameters of path and query, a JSON body, and the form that is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from margelle.export import columnar
from margelle.serve.api.endpoint import FORMS, Endpoint, Form
from margelle.serve.api.problem import BadFields, FieldFault, bad_field

_PARAMETER: Final = re.compile(r"{(\w+)}")
_PLACE: Final = re.compile(r" - at `\$\.?(.*)`$")
_FORM: Final = "format"
_LONGEST_ACCEPT: Final = 1000
_ALSO: Final[dict[str, Form]] = {"application/jsonl": "ndjson", "text/plain": "csv", "application/problem+json": "json"}


class _Field(Struct, frozen=True):
    name: str
    type: Any
    many: bool
    required: bool
    strict: bool
    """Whether a number is not meant by it: 0.5 is no instant."""


def in_path(path: str) -> list[str]:
    """The names of the parameters in a path."""
    return _PARAMETER.findall(path)


def parameters(endpoint: Endpoint, path: Mapping[str, str], query: QueryParams) -> Struct:
    """The parameters of a request as its endpoint knows them. Raises BadFields, which names each that is wrong."""
    given: dict[str, Any] = {}
    fields = _fields(endpoint.params)
    known = ({field.name for field in fields} | ({_FORM} if endpoint.rows else set())).difference(path)
    faults = [FieldFault(name[:80], "query", "there is no such parameter") for name in query if name not in known]
    for field in fields:
        where = "path" if field.name in path else "query"
        value = _given(field, path, query)
        try:
            if not field.many and len(query.getlist(field.name)) > 1:
                faults.append(FieldFault(field.name, where, "it is there more than once"))
            elif value is not None:
                given[field.name] = _utc(msgspec.convert(value, field.type, strict=field.strict))
            elif field.required:
                faults.append(FieldFault(field.name, where, "it is missing"))
        except (msgspec.ValidationError, OverflowError) as error:
            faults.append(FieldFault(field.name, where, _said(error, field.type)))
    if faults:
        raise BadFields(faults)
    return endpoint.params(**given)


async def body(request: Request, kind: Any) -> Any:
    """The JSON body of a request. Raises BadFields, and HTTPException(415) where it is something else."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Send application/json, in UTF-8 and not compressed.")
    try:
        told = _decoder(kind).decode(await request.body())
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        name = place[1] if place else ""
        raise bad_field(name, _said(error, get_type_hints(kind).get(name)), "body") from error
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError) as error:
        raise bad_field("", "it is not JSON in UTF-8", "body") from error
    return told


def form(request: Request) -> Form:
    """The form in which rows are wanted: by `format`, else by the header Accept. Raises BadFields, and HTTPException(406) for what cannot be had."""
    asked = request.query_params.get(_FORM)
    if asked is not None and asked not in FORMS:
        raise bad_field(_FORM, f"it is one of {', '.join(FORMS)}")
    found = asked or _accepted(request.headers.get("accept", "")[:_LONGEST_ACCEPT])
    if found is None:
        raise HTTPException(406, f"There is {', '.join(FORMS.values())}.")
    if found in {"parquet", "arrow"} and not columnar.present():
        raise HTTPException(406, f"This hub cannot write {found}: whoever runs it can install margelle[columnar].")
    return found


@lru_cache(256)
def _accepted(accept: str) -> Form | None:
    """The form that is preferred; of several equals the first here, and JSON where anything will do."""
    by_type: dict[str, Form] = {media.partition(";")[0]: name for name, media in FORMS.items()} | _ALSO
    best: tuple[float, Form | None] = (0.0, None)
    for part in accept.split(",") if accept.strip() else ["*/*"]:
        media, *more = (piece.strip().lower() for piece in part.split(";"))
        weight = next((_weight(piece[2:]) for piece in more if piece.startswith("q=")), 1.0)
        main, _, sub = media.partition("/")
        found = by_type.get(media) or next(
            (name for kind, name in by_type.items() if sub == "*" and main in {"*", kind.partition("/")[0]}), None
        )
        if found is not None and weight > best[0]:
            best = weight, found
    return best[1]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _given(field: _Field, path: Mapping[str, str], query: QueryParams) -> Any:
    if field.name in path:
        return path[field.name]
    return (query.getlist(field.name) or None) if field.many else query.get(field.name)


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _said(error: Exception, kind: Any) -> str:
    """What is wrong with a value that should be of this kind."""
    if isinstance(error, OverflowError):
        return "it is beyond all calendars"
    text = _PLACE.sub("", str(error))
    known = choices(kind) if "enum value" in text else ()
    return (text[:1].lower() + text[1:]).replace("`", "") + (f": it is one of {', '.join(known)}" if known else "")


def choices(kind: Any) -> tuple[str, ...]:
    """The values of a kind that has only some; none of any other."""
    if get_origin(kind) is Literal:
        return tuple(str(one) for one in get_args(kind))
    return tuple(one for part in get_args(kind) for one in choices(part))


@cache
def _fields(kind: type[Struct]) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        _Field(
            field.name,
            _some(hints[field.name]),
            any(get_origin(part) is tuple for part in (hints[field.name], *get_args(hints[field.name]))),
            field.default is NODEFAULT and field.default_factory is NODEFAULT,
            bool({datetime, date} & {_some(hints[field.name]), *get_args(_some(hints[field.name]))}),
        )
        for field in msgspec.structs.fields(kind)
    )


def _some(kind: Any) -> Any:
    """`kind` without the None that says that a parameter may be missing: a URL knows no null."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        return Annotated[(_some(inner), *more)]
    if get_origin(kind) in {Union, UnionType}:
        return Union[tuple(part for part in get_args(kind) if part is not type(None))]  # noqa: UP007 - of what is only known now
    return kind


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
