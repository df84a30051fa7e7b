"""What others say in English is said in French too, wherever it comes from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import margelle
from margelle.errors import Conflict, of_status
from margelle.net.failure import _SENTENCES
from margelle.phrase import Phrase, Sentence
from margelle.redaction import redacted
from margelle.serve.pages.words import TEXTS, Words
from margelle.serve.pages.words.said import FRENCH

SOURCE = Path(margelle.__file__).parent
FR, EN = Words("fr"), Words("en")


def phrases() -> Iterator[tuple[str, str, set[str] | None]]:
    """Where a phrase is made, its name (`*` where a part of it is only known then), and the names of what stands in it, where that can be read."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Phrase"
                and node.args
            ):
                values = node.args[1] if len(node.args) > 1 else None
                keys: set[str] | None = set()
                if values is not None:
                    keys = None
                    if isinstance(values, ast.Dict) and all(isinstance(key, ast.Constant) for key in values.keys):
                        keys = {str(key.value) for key in values.keys if isinstance(key, ast.Constant)}
                for name in names(node.args[0]):
                    yield f"{file.relative_to(SOURCE)}:{node.lineno}", name, keys


def names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return [*names(node.body), *names(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in node.values)]
    return ["*"]


def french_of(name: str) -> list[str]:
    """The French of all phrases that `name` may be."""
    pattern = re.compile(re.escape(name).replace(r"\*", ".*"))
    found = [text for known, text in FRENCH.items() if pattern.fullmatch(known)]
    return found or [text for known, (_, text) in TEXTS.items() if pattern.fullmatch(known)]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_phrase_has_its_french_in_which_only_stands_what_it_has() -> None:
    seen = 0
    for where, name, keys in phrases():
        if name in {"*", "quantity.*"}:
            continue
        seen += 1
        found = french_of(name)
        assert found, f"{where}: the pages have no French for {name!r}"
        if keys is not None and "*" not in name:
            assert places(found[0]) <= keys, f"{where}: {name!r} lacks {places(found[0]) - keys}"
    assert seen > 80


def test_no_french_stands_there_that_nobody_says() -> None:
    made = {name for _, name, _ in phrases()} | {name for _, name, _ in _SENTENCES}
    patterns = [re.compile(re.escape(name).replace(r"\*", ".*")) for name in made if name != "*"]
    constants = {
        node.value
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for name in FRENCH:
        if name.startswith("outcome."):
            assert name.removeprefix("outcome.") in constants, name
        else:
            assert any(pattern.fullmatch(name) for pattern in patterns), name


def test_what_a_cloud_says_stays_in_its_words_and_is_marked_as_such() -> None:
    error = of_status(503, "Service Unavailable <b>")
    assert (
        FR.said(error.sentence).text == "Le service a répondu 503 et dit\u00a0: «\u00a0Service Unavailable <b>\u00a0»"
    )
    assert FR.said(error.sentence).lang == ""
    assert EN.said(error.sentence).text == "The cloud answered 503: Service Unavailable <b>"


def test_a_sentence_within_another_is_said_in_french_too() -> None:
    inner = Conflict("The pump sleeps.", phrase=Phrase("act.not_waiting")).phrase
    assert inner is not None
    failed = Sentence("failed: The pump sleeps.", Phrase("value.failed", {"value": Phrase("turn.on"), "why": inner}))
    assert FR.said(failed).text == "marche, échec\u00a0: Cette recommandation n’attend plus."
    assert FR.said(
        Sentence("x", Phrase("doubtful.one", {"what": Phrase("quantity.ph"), "raw": "12", "at": "now"}))
    ).text


def test_an_outcome_that_is_always_the_same_is_its_own_name() -> None:
    assert FR.said(Sentence("removed; its measurements stay")).text == "supprimé\u202f; ses mesures restent"


def test_what_is_not_known_is_shown_in_english_and_says_so() -> None:
    for one in (
        Sentence("Quite odd."),
        Sentence("Quite odd.", Phrase("odd")),
        Sentence("Quite odd.", Phrase("no_number")),
    ):
        assert (FR.said(one).text, FR.said(one).lang) == ("Quite odd.", "en")
        assert (EN.said(one).text, EN.said(one).lang) == ("Quite odd.", "")


def test_what_stands_in_a_phrase_is_text_and_no_pattern() -> None:
    odd = Sentence("x", Phrase("no_number", {"text": "{n} {0} {"}))
    assert "{n} {0} {" in FR.said(odd).text


def test_no_secret_stands_in_a_phrase_that_is_kept() -> None:
    secret = Phrase("failed", {"why": Phrase("cloud.said", {"status": "400", "said": "token=abcdef0123456789"})})
    assert "abcdef" not in str(redacted(secret))
    assert redacted(None) is None


def test_numbers_within_a_sentence_have_the_marks_of_its_language() -> None:
    noted = Phrase("event.noted", {"what": Phrase("product.ph_minus"), "amount": " 1.5 kg", "at": "2026-07-14T12:30Z"})
    assert "pH moins 1,5 kg" in Words("fr").said(Sentence("x", noted)).text.replace("\u00a0", " ")
    assert Words("fr").said(Sentence("x", Phrase("back.value", {"value": "7.2"}))).text == "7,2"
