"""How a device's tags are shown to people, as the installation has mapped them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Site
from margelle.phrase import Phrase, Sentence
from margelle.ports import Display, Parameter
from margelle.vendors.baxo.translate import Tag, Tags, is_event, lines

MOST_NAMED: Final = 12


def display(settings: Mapping[str, Any], catalogue: Catalogue) -> Callable[[Site], Display]:
    """How each device is shown. Raises ConfigError."""
    mapped = Tags(settings.get("tags", {}), catalogue)

    def shown(site: Site) -> Display:
        tags = mapped.of(site.key)
        told = lines(site.attributes.get("tags"))
        free = [name for name in told if not tags.maps(name)]
        return Display(
            replaced=tags.replaced,
            states=frozenset(tags.named(name).quantity for name in free if is_event(site, name)),
            remarks=_unmapped([name for name in free if not is_event(site, name)]),
            parameters=tuple(_parameter(tags.named(name)) for name in told if not is_event(site, name)),
        )

    return shown


def _parameter(tag: Tag) -> Parameter:
    return Parameter(tag.reference, tag.quantity, tag.unit)


def _unmapped(references: Sequence[str]) -> tuple[Sentence, ...]:
    if not references:
        return ()
    where = "on the page of the site's tags or under [baxo.tags] in margelle.toml"
    if len(references) == 1:
        text = f"Kept under its own name, without a unit: the tag {references[0]}. Say what it measures, {where}."
        return (Sentence(text, Phrase("baxo.unmapped_one", {"names": references[0]})),)
    more = len(references) - MOST_NAMED
    shown = ", ".join(references[:MOST_NAMED])
    names = shown + (f" and {more} more" if more > 0 else "")
    phrase = Phrase("baxo.unmapped_more" if more > 0 else "baxo.unmapped", {"names": shown, "n": str(more)})
    text = f"Kept under their own names, without a unit: the tags {names}. Say what they measure, {where}."
    return (Sentence(text, phrase),)
