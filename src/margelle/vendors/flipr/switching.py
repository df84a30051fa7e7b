"""Hubs at Flipr's cloud: how they stand, and having them switched. Undocumented; these are the requests of flipr-api."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from margelle.domain.switch import Switch, Turn
from margelle.errors import Conflict, Malformed, Unavailable
from margelle.phrase import Phrase
from margelle.ports import Answer, Batch
from margelle.vendors.answer import entry, few, said
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.cloud import Cloud
from margelle.vendors.flipr.translate import NO_HUB, standing_from


class Switching:
    """The hubs of one account."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def standing(self, switch: Switch, now: datetime) -> Batch:  # noqa: ARG002
        """How a hub stands, at the instant of the answer. Raises Conflict for what is no hub, Unavailable for a hub's own error."""
        answer = await self._cloud.get("hub", f"{_path(switch)}/state")
        state, faults = entry(answer.body, wire.HubState, "hub")
        _demand_no_error(state)
        found = standing_from(state, switch, answer.at, "flipr/hub")
        if not found:
            raise Malformed("hub: the cloud does not tell how it stands.", phrase=Phrase("flipr.hub_untold"))
        return Batch(tuple(found), few(faults))

    async def turn(self, switch: Switch, wanted: Turn) -> None:
        """A mode at once; on and off after the manual mode, without which the cloud does not heed them. Raises as `standing` does."""
        by_hand = wanted in {"on", "off"}
        mode = "manual" if by_hand else wanted
        _heed(await self._cloud.act("hub/mode", "PUT", f"{_path(switch)}/mode/{mode}"))
        if by_hand:
            _heed(await self._cloud.act("hub/Manual", "POST", f"{_path(switch)}/Manual/{wanted == 'on'}"))


def _path(switch: Switch) -> str:
    return f"/hub/{quote(switch.key, safe='')}"


def _heed(answer: Answer) -> None:
    """What the cloud says of an act: often nothing. Only an object can hold an error; a page is no answer at all."""
    body = answer.body.strip()
    if body.startswith(b"{"):
        _demand_no_error(entry(body, wire.HubState, "hub")[0])
    elif body.startswith(b"<"):
        what = said(body)
        phrase = Phrase("cloud.strange", {"where": "hub", "came": Phrase("came.page", {"said": what}), "wrong": ""})
        raise Malformed(f"hub: a page came instead of an answer: {what}", phrase=phrase)


def _demand_no_error(state: wire.HubState) -> None:
    if state.error_code:
        what = f"The cloud says {state.error_code}: {state.error_message or 'no more'}."
        phrase = Phrase("cloud.said", {"status": str(state.error_code), "said": state.error_message or "—"})
        raise Conflict(what, phrase=phrase) if state.error_code == NO_HUB else Unavailable(what, phrase=phrase)
