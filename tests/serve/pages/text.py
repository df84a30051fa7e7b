"""What a page says, without its markup."""

from __future__ import annotations

from html.parser import HTMLParser

_INLINE = {"a", "code", "em", "s", "span", "strong", "time"}
_VOID = {"meta", "link", "img", "input", "br"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        self._space(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self._space(tag)

    def _space(self, tag: str) -> None:
        if tag not in _INLINE:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open, f"{reader.open} are not closed"
    return reader


def said(html: str) -> str:
    """The text, with blanks of any kind as one space; AssertionError where elements are not closed in order."""
    return " ".join("".join(_read(html).words).split())


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every element's name and attributes, in order."""
    return _read(html).tags
