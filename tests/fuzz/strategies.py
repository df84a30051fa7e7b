"""What is sent: what clients send, with everything wrong about it that can be."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.fuzz.faces import ELSEWHERE, LOGIN, PASSWORD, Faces, Request, names_in, paths_of

NAMES = {
    "ondilo": ["types[]", "types", "type", "period", "state", "client_id", "client_secret", "redirect_uri", "response_type", "code", "grant_type",
               "refresh_token", "scope", "login", "password", "locale", "proceed", "access_token"],
    "flipr": ["l", "grant_type", "username", "password", "refresh_token", "scope", "client_id", "client_secret"],
    "baxo": ["get", "username", "password", "contractId", "deviceId", "deviceIdentifiers", "deviceIdentifiers[]", "deviceIdentifier",
             "tagReferences", "tagReferences[0]", "tagReference", "tagRef", "value", "startTime", "endTime", "pageToken"],
}  # fmt: skip
WORDS = {
    "ondilo": ["temperature", "ph", "orp", "salt", "tds", "battery", "rssi", "day", "week", "month", "code", "customer_api", "https://example.com/api",
               "http://localhost/x?a=b", "javascript:alert(1)", "//evil.example", "authorization_code", "refresh_token", "fr", "Authorize", "api"],
    "flipr": ["password", "refresh_token", "fr", "en", "undefined", ""],
    "baxo": ["contracts", "devices", "device", "devices-realtimes", "devices-historics", "devices-tags-write", "NIVEAU", "PH,REDOX", "[\"PH\"]", "[", "{}",
             "0", "837000000", "1;2"],
}  # fmt: skip
ODD = ["", "0", "-1", "1e400", "9" * 400, "-" + "9" * 30, "NaN", "Infinity", "1_000", "٣", "0x10", "1.5", "true", "null", "\x00", "a\x00b", "\r\nx: y", "..", "../..",
       "%", "'\"<>", "\ud800", "\U0001f4a7" * 3, "a" * 5000, " ", "+", "e\u0301", "\u202e", "[" * 2000, "{\"a\":" * 500]  # fmt: skip
BROKEN = [b"%", b"%zz", b"%0", b"%00", b"%ff%fe", b"%ed%a0%80", b"%c0%ae", b"%u0041", b"\xff\xfe", b"\x80", b"+", b"%2e%2e%2f", b"%0d%0aset-cookie:x", b"%25%30%30"]  # fmt: skip
METHODS = [
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "PROPFIND",
    "X" * 40,
]
KINDS = ["application/x-www-form-urlencoded", "application/json", "application-json", "multipart/form-data; boundary=b", "multipart/form-data",
         "multipart/form-data; boundary=" + "b" * 300, "text/plain; charset=utf-16", "application/x-www-form-urlencoded; charset=nonsense", "", "\xff"]  # fmt: skip

text = st.text(max_size=30)
_mostly = st.integers(0, 7).map(bool)
latin = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


def coded(word: str) -> bytes:
    """Percent-encoded, also where it is no text."""
    return quote(word.encode("utf-8", "surrogatepass"), safe="").encode()


@cache
def values(faces: Faces, vendor: str) -> st.SearchStrategy[bytes]:
    """A value as it stands in a query or form."""
    known = (
        [one for ids in faces.ids.values() for one in ids] + WORDS[vendor] + [LOGIN, PASSWORD, faces.renewals[vendor]]
    )
    whole = st.sampled_from(known).map(coded)
    return st.one_of(whole, whole, st.sampled_from(ODD).map(coded), st.sampled_from(BROKEN), text.map(coded))


@cache
def pairs(faces: Faces, vendor: str) -> st.SearchStrategy[bytes]:
    """A pair of a query or form, or what is none."""
    name = st.one_of(
        st.sampled_from(NAMES[vendor]).map(coded),
        st.sampled_from(NAMES[vendor]).map(str.encode),
        st.sampled_from(BROKEN),
    )
    value = values(faces, vendor)
    return st.one_of(st.tuples(name, value).map(b"=".join), st.tuples(name, value).map(b"=".join), value)


@cache
def login(faces: Faces, vendor: str) -> st.SearchStrategy[bytes]:
    """What opens BAXO's door, mostly."""
    if vendor != "baxo":
        return st.just(b"")
    right = f"username={LOGIN}&password={quote(PASSWORD)}&contractId={faces.ids['contract'][0]}"
    opened = [
        f"{right}&get={get}{more}".encode()
        for get in WORDS["baxo"][:6]
        for more in (
            "",
            f"&deviceId={faces.ids['device'][0]}",
            f"&deviceIdentifiers={','.join(faces.ids['device'])}&startTime=0",
        )
    ]
    return st.sampled_from([*opened, right.encode(), b""])


@cache
def queries(faces: Faces, vendor: str) -> st.SearchStrategy[bytes]:
    """A query or a form: of some pairs, doubled ones among them, or of very many."""
    some = st.lists(pairs(faces, vendor), max_size=8).map(b"&".join)
    doubled = some.map(lambda query: query + b"&" + query)
    many = st.tuples(pairs(faces, vendor), st.integers(90, 3000)).map(lambda told: b"&".join([told[0]] * told[1]))
    begun: st.SearchStrategy[bytes] = st.tuples(login(faces, vendor), st.one_of(some, some, some, doubled, many)).map(
        b"&".join
    )
    return st.one_of(begun, begun, st.sampled_from(BROKEN))


@cache
def members(faces: Faces, vendor: str) -> st.SearchStrategy[bytes]:
    """A JSON object, or what is nearly one."""
    leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(ODD), text)
    value: st.SearchStrategy[Any] = st.one_of(leaf, st.lists(leaf, max_size=3), st.dictionaries(text, leaf, max_size=2))
    given = st.dictionaries(st.one_of(st.sampled_from(NAMES[vendor]), text), value, max_size=6)
    right = (
        {"username": LOGIN, "password": PASSWORD, "contractId": faces.ids["contract"][0]} if vendor == "baxo" else {}
    )
    whole = given.map(lambda told: json.dumps(right | told).encode("utf-8", "surrogatepass"))
    return st.one_of(whole, whole, whole.map(lambda body: body[: len(body) // 2]), whole.map(lambda body: body + b"}"))


@cache
def parts(faces: Faces, vendor: str) -> st.SearchStrategy[bytes]:
    """A multipart form with the boundary `b`, or what is nearly one."""
    one = st.tuples(st.sampled_from(NAMES[vendor]), st.sampled_from(ODD)).map(
        lambda told: (
            b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
            % (told[0].encode(), told[1].encode("utf-8", "surrogatepass"))
        )
    )
    whole = st.lists(one, max_size=4).map(lambda found: b"".join(found) + b"--b--\r\n")
    return st.one_of(whole, whole.map(lambda body: body[: len(body) // 2]))


@cache
def bodies(faces: Faces, vendor: str) -> st.SearchStrategy[tuple[bytes, ...]]:
    """A body in one piece or in several; also far too large ones."""
    one = st.one_of(queries(faces, vendor), members(faces, vendor), parts(faces, vendor), st.binary(max_size=300))
    large = st.sampled_from(
        [
            (b"x=" + b"a" * 70_000,),
            (b"a" * (1 << 20) + b"b",),
            (b"[" * 60_000,),
            (b'{"a":' * 10_000,),
            (b"a" * 300_000,) * 5,
        ]
    )
    return st.one_of(
        st.just(()),
        one.map(lambda body: (body,)),
        one.map(lambda body: (body[:7], body[7:])),
        one.map(lambda body: (body,)),
        large,
    )


@cache
def headers(faces: Faces, vendor: str) -> st.SearchStrategy[tuple[tuple[bytes, bytes], ...]]:
    """Mostly with a good token."""
    good = (b"authorization", f"Bearer {faces.tokens[vendor]}".encode())
    wrong = st.sampled_from(
        [
            "bearer",
            "Bearer ",
            "Basic YTpi",
            "Bearer x y",
            "Bearer " + "a" * 9000,
            "\xff",
            f"bearer  {faces.tokens[vendor]}",
        ]
    )
    token: st.SearchStrategy[list[tuple[bytes, bytes]]] = st.one_of(
        st.just([good]),
        st.just([good]),
        st.just([good, good]),
        st.just([]),
        wrong.map(lambda said: [(b"authorization", said.encode("latin-1"))]),
    )
    name = st.sampled_from(
        [
            b"accept",
            b"accept-language",
            b"accept-encoding",
            b"cookie",
            b"x-forwarded-for",
            b"if-none-match",
            b"range",
            b"expect",
            b"origin",
            b"user-agent",
            b"host",
        ]
    )
    other = st.tuples(name, latin.map(lambda said: said.encode("latin-1")))
    kind = st.one_of(
        st.sampled_from(KINDS).map(lambda said: said.encode("latin-1")), latin.map(lambda said: said.encode("latin-1"))
    )
    kinds = st.lists(kind.map(lambda said: (b"content-type", said)), max_size=2)
    return st.tuples(token, st.lists(other, max_size=3), kinds).map(lambda told: (*told[0], *told[1], *told[2]))


@st.composite
def routed(draw: st.DrawFn, faces: Faces, vendor: str, route: str) -> Request:
    """A request to a route; its parameters are mostly such as there are, and its method mostly one of those that read."""
    path = route
    for name in names_in(route):
        known, odd = _segments(faces, name)
        path = path.replace(f"{{{name}}}", draw(known if draw(_mostly) else odd).decode())
    path = draw(st.sampled_from([path] * 20 + [f"/{path}/", path.upper(), path + "//x", path + ";a=b"]))
    method = draw(st.sampled_from([*[_usual(route)] * 30, *METHODS]))
    query, sent = draw(queries(faces, vendor)), draw(headers(faces, vendor))
    body = () if method in {"GET", "HEAD"} else draw(bodies(faces, vendor))
    return Request(vendor, route, method, f"/{vendor}{path}", query, sent, body)


def _usual(route: str) -> str:
    """The method of most of its clients."""
    if "{recommendation}" in route or "{mode}" in route:
        return "PUT"
    return "POST" if route.casefold().startswith(("/oauth2", "/k1")) or "{on}" in route else "GET"


@cache
def _segments(faces: Faces, name: str) -> tuple[st.SearchStrategy[bytes], st.SearchStrategy[bytes]]:
    """Such as there are, and others."""
    known = st.sampled_from(faces.ids.get(name, ["24", "3", "auto", "True"])).map(coded)
    bytes_ = st.sampled_from([b"%00", b"%ff", b"%2f", b"%", b"%2e%2e", b"%ed%a0%80"])
    odd = st.one_of(st.sampled_from(ODD).map(coded), bytes_, text.map(coded))
    return known, odd


@st.composite
def lost(draw: st.DrawFn, faces: Faces, vendor: str) -> Request:
    """A request to a path that is put together from parts of the routes, and of whatever comes."""
    path = "/".join(draw(_parts_of_paths(faces, vendor)))
    query, sent, body = draw(queries(faces, vendor)), draw(headers(faces, vendor)), draw(bodies(faces, vendor))
    return Request(vendor, ELSEWHERE, draw(st.sampled_from(METHODS)), f"/{vendor}/{path}", query, sent, body)


@cache
def _parts_of_paths(faces: Faces, vendor: str) -> st.SearchStrategy[list[str]]:
    known = {part for path in paths_of(vendor) for part in path.split("/")}
    odd = ["", "..", "%2e%2e", "%00", "%ff", "%", "a" * 3000]
    ids = [one for ids in faces.ids.values() for one in ids]
    part = st.one_of(st.sampled_from([*sorted(known), *ids, *odd]), text.map(lambda said: coded(said).decode()))
    return st.lists(part, max_size=8)
