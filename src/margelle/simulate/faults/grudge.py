"""Effects that remember, or that mind what the request says."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from margelle.simulate.faults.effect import rewritten
from margelle.simulate.faults.fault import Answer, Ask, Effect


def expired(refusal: Answer) -> Effect:
    """The access token that comes first is refused from then on; others are good."""

    def instead(ask: Ask) -> Answer | None:
        if not ask.token:
            return None
        return refusal if ask.memory.setdefault("refused", ask.token) == ask.token else None

    return Effect(instead=instead)


def of_grant(grant: str, effect: Effect) -> Effect:
    """An effect on token requests of one grant only."""

    def instead(ask: Ask) -> Answer | None:
        return effect.instead(ask) if effect.instead and ask.given.get("grant_type") == grant else None

    def then(ask: Ask, told: Answer) -> Answer:
        return effect.then(ask, told) if effect.then and ask.given.get("grant_type") == grant else told

    return Effect(instead=instead, then=then)


def denied() -> Effect:
    """A login form is answered by sending its user back to the client, with access_denied."""

    def instead(ask: Ask) -> Answer | None:
        if "login" not in ask.given or "redirect_uri" not in ask.given:
            return None
        said = {"error": "access_denied", "state": ask.given.get("state", "")}
        uri = ask.given["redirect_uri"]
        target = uri + ("&" if "?" in uri else "?") + urlencode({name: value for name, value in said.items() if value})
        if not (target.isascii() and target.isprintable()):
            return None
        return Answer(302, (("location", target),), b"")

    return Effect(instead=instead)


def next_page_refused(key: str, refusal: Answer) -> Effect:
    """The address of a next page, found at `key`, is told as ever; whoever then asks for it is refused."""

    def instead(ask: Ask) -> Answer | None:
        return refusal if _login_apart(ask.given) in ask.memory.get("told", []) else None

    def then(ask: Ask, told: Answer) -> Answer:
        def remember(said: Any) -> Any:
            if _is_object(said) and isinstance(said.get(key), str):
                known = ask.memory.get("told", [])
                ask.memory["told"] = [*known[-99:], _login_apart(dict(parse_qsl(urlsplit(said[key]).query)))]
            return said

        return rewritten(told, remember)

    return Effect(instead=instead, then=then)


def next_page_again(key: str) -> Effect:
    """The next page, whose address is at `key`, is said to be followed by itself, for ever."""

    def then(ask: Ask, told: Answer) -> Answer:
        def circling(said: Any) -> Any:
            if not _is_object(said):
                return said
            same = ask.memory.get("pages", {}).get(_key(ask.given))
            if same is not None:
                return {**said, key: same}
            if isinstance(said.get(key), str):
                page = _key(dict(parse_qsl(urlsplit(said[key]).query)))
                ask.memory["pages"] = dict([*ask.memory.get("pages", {}).items()][-99:]) | {page: said[key]}
            return said

        return rewritten(told, circling)

    return Effect(then=then)


def one_gone(key: str, within: str = "") -> Effect:
    """A list (the answer, or what it has under `within`) without the object whose `key` is the highest; it is remembered as gone."""

    def shorter(ask: Ask, rows: Any) -> Any:
        if not (isinstance(rows, list) and rows and _is_object(rows[-1])):
            return rows
        keys = sorted((str(one.get(key)) for one in rows), key=lambda text: (len(text), text))
        gone = ask.memory.setdefault("gone", keys[-1])
        return [one for one in rows if str(one.get(key)) != gone]

    def then(ask: Ask, told: Answer) -> Answer:
        if not within:
            return rewritten(told, lambda said: shorter(ask, said))
        return rewritten(
            told, lambda said: {**said, within: shorter(ask, said.get(within))} if _is_object(said) else said
        )

    return Effect(then=then)


def gone(refusal: Answer) -> Effect:
    """Whoever asks for something of what is gone is refused."""

    def instead(ask: Ask) -> Answer | None:
        named = {word.casefold() for text in (ask.path, *ask.given.values()) for word in re.split("[/,;]", text)}
        return refusal if str(ask.memory.get("gone", "")).casefold() in named - {""} else None

    return Effect(instead=instead)


def _login_apart(given: dict[str, str]) -> list[tuple[str, str]]:
    """The fields without those of a login, which some clients add."""
    return sorted(pair for pair in given.items() if pair[0] not in {"username", "password"})


def _key(given: dict[str, str]) -> str:
    return urlencode(_login_apart(given))


def _is_object(said: Any) -> bool:
    return isinstance(said, dict)
