"""Which tag of which device is which of our quantities, as the installation's settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

from msgspec import Struct

from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.unit import Unit, convert
from margelle.errors import ConfigError
from margelle.phrase import Phrase
from margelle.vendors.baxo.translate.words import VENDOR

LONGEST: Final = 100
"""More characters than any tag's reference has."""

HINT: Final = 'Write PH = "ph", NIVEAU = "level cm", or "14587/PH" = "ph" for the tag of one device.'


class Tag(Struct, frozen=True):
    """A tag's reference, our quantity, and the unit of its numbers."""

    reference: str
    quantity: str
    unit: Unit


class DeviceTags:
    """The tags of one device. A tag that nobody has mapped is the free quantity `baxo.<reference>`, without a unit."""

    def __init__(self, mapped: Mapping[str, Tag]) -> None:
        self._by_reference = dict(mapped)
        self._by_quantity = {tag.quantity: tag for tag in mapped.values()}

    def named(self, reference: str) -> Tag:
        """The tag with this reference. Raises ValueError for what cannot be one."""
        known = self._by_reference.get(reference)
        return known or Tag(reference, f"{VENDOR}.{_checked(reference)}", Unit.RATIO)

    def maps(self, reference: str) -> bool:
        """Whether somebody has said what the tag with this reference measures."""
        return reference in self._by_reference

    @property
    def replaced(self) -> dict[str, str]:
        """By the name under which a tag is kept while it is not mapped, the quantity that it is now."""
        return {f"{VENDOR}.{name}": tag.quantity for name, tag in self._by_reference.items()}

    def of(self, quantity: str, unit: Unit) -> Tag:
        """The tag under which a quantity shows itself; one that is nobody's tag gets its own name in capitals, in `unit`."""
        if known := self._by_quantity.get(quantity):
            return known
        vendor, _, reference = quantity.partition(".")
        return Tag(reference if vendor == VENDOR else quantity.upper(), quantity, unit)


class Tags:
    """The mapping of an installation: `{"PH": "ph", "NIVEAU": "level cm", "14587/REDOX": "orp"}`.

    A tag is mapped for every device, or after its id and a slash for that device alone, which then counts first; a tag that has a slash
    itself is written after another one. After the quantity stands the unit of the tag's numbers, if it is not the quantity's own. Raises ConfigError.
    """

    def __init__(self, mapping: Mapping[str, str] = {}, catalogue: Catalogue = CATALOGUE) -> None:
        self._catalogue = catalogue
        self._by_device: dict[str, dict[str, Tag]] = {}
        for name, meaning in mapping.items():
            self._add(*_written(name), name, meaning)

    def of(self, device: str) -> DeviceTags:
        """The tags of the device with this id."""
        own = self._by_device.get(device, {})
        taken = {tag.quantity for tag in own.values()}
        usual = {name: tag for name, tag in self._by_device.get("", {}).items() if tag.quantity not in taken}
        return DeviceTags(usual | own)

    def meaning(self, device: str, reference: str) -> str:
        """What the tag of a device measures, as the settings write it; empty where nobody has said."""
        tags = self.of(device)
        if not tags.maps(reference):
            return ""
        tag = tags.named(reference)
        return tag.quantity if tag.unit == self.unit(tag.quantity) else f"{tag.quantity} {tag.unit}"

    def unit(self, quantity: str) -> Unit | None:
        """The canonical unit of a quantity, if the installation knows it."""
        known = self._catalogue.get(quantity)
        return known.unit if known else None

    def rules(self, name: str, meaning: str) -> bool:
        """Whether this mapping says something else of the tag that `name` writes, or has its quantity at another one."""
        device, reference = _written(name)
        quantity = meaning.partition(" ")[0]
        tags = (one for at in {device, ""} for one in self._by_device.get(at, {}).values())
        return any(tag.reference == reference or tag.quantity == quantity for tag in tags)

    def __iter__(self) -> Iterator[Tag]:
        return (tag for tags in self._by_device.values() for tag in tags.values())

    def _add(self, device: str, reference: str, name: str, meaning: str) -> None:
        tags = self._by_device.setdefault(device, {})
        try:
            tag = self._meant(_checked(reference), meaning)
            twin = next((other for other in tags.values() if other.quantity == tag.quantity), None)
            if twin:
                raise ValueError(f"{tag.quantity} is the tag {twin.reference} already; a device has one tag for each")
        except (ValueError, KeyError) as error:
            phrase = Phrase("tags.senseless", {"name": name, "meaning": meaning})
            raise ConfigError(
                f"{VENDOR}.tags: {name} = {meaning!r}: {error.args[0]}.", hint=HINT, phrase=phrase
            ) from None
        tags[reference] = tag

    def _meant(self, reference: str, meaning: str) -> Tag:
        quantity, _, unit = meaning.strip().partition(" ")
        known = self._catalogue[quantity]
        with suppress(ValueError):
            meant = Unit(unit.strip()) if unit else known.unit
            convert(0.0, meant, known.unit)
            return Tag(reference, quantity, meant)
        raise ValueError(f"{unit.strip()!r} is no unit of {quantity}, which is in {known.unit}")


def merged(first: Mapping[str, str], other: Mapping[str, str], catalogue: Catalogue) -> dict[str, str]:
    """Two mappings as one, where nothing of `other` changes what `first` says of any device; what makes no sense in it is left out.

    Raises ConfigError where `first` makes none.
    """
    outranking, found = Tags(first, catalogue), dict(first)
    for name, meaning in other.items():
        if outranking.rules(name, meaning):
            continue
        with suppress(ConfigError):
            Tags(found | {name: meaning}, catalogue)
            found[name] = meaning
    return found


def key(device: str, reference: str) -> str:
    """How the settings write a tag of this device alone, or of every device where that is empty."""
    return f"{device}/{reference}" if device or "/" in reference else reference


def _written(name: str) -> tuple[str, str]:
    """The device (empty for every one) and the reference of the tag that settings write so: what `key` has made."""
    device, slash, reference = name.partition("/")
    return (device, reference) if slash else ("", name)


def _checked(reference: str) -> str:
    if not (reference.strip() and reference.isprintable() and len(reference) <= LONGEST):
        raise ValueError(f"{reference[:40]!r} is no tag")
    return reference
