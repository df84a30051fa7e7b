"""Acts on the water: recommendations done, switches turned, parameters set. Each is shown and confirmed before it goes to its cloud, and what the cloud then tells is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Recommendation, Site
from margelle.domain.switch import Switch, SwitchState, Turn, agrees, state_of
from margelle.domain.unit import Unit, convert, symbol
from margelle.errors import BadInput, Conflict, Forbidden, MargelleError, NotFound, StoreError
from margelle.intake.hand import is_by_hand
from margelle.intake.point import LONGEST, number_of
from margelle.phrase import Phrase
from margelle.ports import Parameter
from margelle.serve.pages.figures import ago, as_written, clock_time, with_unit
from margelle.serve.pages.hall import Area, Hall, SiteLink
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Saying

TURNS: Final[tuple[Turn, ...]] = ("on", "off", "auto", "planning")
ORIGIN: Final = "own/page"
SHOWN: Final = 8
"""Acts of the past below the page."""
_Thing = TypeVar("_Thing")
_ACTS: Final = ("validate", "write", "switch", "read back")


class Advised(Struct, frozen=True):
    """A recommendation that waits."""

    recommendation: Recommendation
    given: str


class Turned(Struct, frozen=True):
    """A switch, how it stands, and what it can be turned to."""

    switch: Switch
    state: SwitchState | None
    age: str
    turns: tuple[Turn, ...]


class Settable(Struct, frozen=True):
    """A parameter with what the cloud told of it last."""

    probe: Probe
    parameter: Parameter
    label: str
    unit: str
    told: str
    age: str


class Past(Struct, frozen=True):
    """What was done here, and what came of it."""

    when: str
    who: str
    act: str
    subject: str
    outcome: Saying


class Proposal(Struct, frozen=True):
    """An act that waits to be confirmed: the fields that repeat it, what it is in words, and how things stand now."""

    fields: Mapping[str, str]
    what: str
    now: str
    cloud: str
    account: str


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/sites/{site}/act", _acts), hall.form("/sites/{site}/act", _act))


AREA = Area(_routes, at_site=(SiteLink("act", "/act", "control"),))


async def _acts(visit: Visit) -> Response:
    return await _shown(visit, await visit.site("control"))


async def _act(visit: Visit) -> Response:
    """Show what would be done; where that was confirmed, do it."""
    site, form = await visit.site("control"), await visit.form()
    try:
        act = await _wanted(visit, site, form)
        if form.get("confirmed") != "1":
            return visit.page(
                "act.html", site=site, back=path_of(site, "act"), proposal=await act.proposal(visit, site)
            )
        await act.perform(visit, site)
    except (Forbidden, NotFound, StoreError):
        raise
    except MargelleError as error:  # it is in the audit log, and nothing has changed here
        return await _shown(
            visit,
            site,
            400 if isinstance(error, BadInput) else 409 if isinstance(error, Conflict) else 503,
            trouble=error,
        )
    return visit.go(path_of(site, "act"), "acted")


# --- what can be done -------------------------------------------------------------------------------------------------


class _Validate(Struct, frozen=True):
    recommendation: Recommendation

    async def perform(self, visit: Visit, site: Site) -> None:
        await visit.hall.actions.validate(self.recommendation, site, visit.user)

    async def proposal(self, visit: Visit, site: Site) -> Proposal:
        fields = {"act": "validate", "id": self.recommendation.id}
        return await _proposal(visit, site, fields, visit.words("act.done_what", title=self.recommendation.title), "")


class _Turn(Struct, frozen=True):
    switch: Switch
    wanted: Turn

    async def perform(self, visit: Visit, site: Site) -> None:
        await visit.hall.actions.switch(self.switch, self.wanted, site, visit.user)

    async def proposal(self, visit: Visit, site: Site) -> Proposal:
        state = state_of(await visit.store.latest(self.switch.id, visit.now))
        now = _standing(visit, state) if state else visit.words("act.unknown")
        if agrees(state, self.wanted):
            now += f" {visit.words('act.already')}"
        what = visit.words(
            "act.turn_what", switch=visit.words(f"switch.{self.switch.kind}"), turn=visit.words(f"turn.{self.wanted}")
        )
        return await _proposal(visit, site, {"act": "switch", "id": self.switch.id, "turn": self.wanted}, what, now)


class _Write(Struct, frozen=True):
    settable: Settable
    wanted: Measurement

    async def perform(self, visit: Visit, site: Site) -> None:  # noqa: ARG002 - the probe knows its site
        one = self.settable
        await visit.hall.actions.write(one.parameter.name, self.wanted, one.probe, visit.user)

    async def proposal(self, visit: Visit, site: Site) -> Proposal:
        one = self.settable
        fields = {"act": "write", "probe": one.probe.id, "parameter": one.parameter.name, "value": self.wanted.raw}
        what = visit.words(
            "act.write_what",
            what=one.label,
            value=with_unit(as_written(self.wanted.raw, visit.words.language), one.parameter.unit),
        )
        now = visit.words("act.told", value=one.told, ago=one.age) if one.told else visit.words("act.unknown")
        return await _proposal(visit, site, fields, what, now)


async def _wanted(visit: Visit, site: Site, form: Mapping[str, str]) -> _Validate | _Turn | _Write:
    """What a form wants. Raises NotFound and BadInput."""
    kind = form.get("act")
    if kind == "validate":
        waiting = await visit.store.recommendations(site.id)
        return _Validate(_one([one for one in waiting if one.id == form.get("id")]))
    if kind == "switch" and visit.display(site).switchable:
        turn = next((one for one in TURNS if one == form.get("turn")), None)
        if turn is None:
            raise BadInput("That is no way to turn it.", phrase=Phrase("act.no_turn"))
        return _Turn(_one([one for one in site.switches if one.id == form.get("id")]), turn)
    if kind == "write":
        known = await _settable(visit, site)
        settable = _one(
            [one for one in known if (one.probe.id, one.parameter.name) == (form.get("probe"), form.get("parameter"))]
        )
        return _Write(settable, _measurement(visit, settable, form.get("value", "").strip()))
    raise NotFound("There is nothing of that kind to do here.")


def _one(found: Sequence[_Thing]) -> _Thing:
    if not found:
        raise NotFound("That is not there any more.")
    return found[0]


def _measurement(visit: Visit, one: Settable, text: str) -> Measurement:
    """The value that a parameter is to have. Raises BadInput."""
    text, parameter = text.replace(",", "."), one.parameter
    try:
        value = number_of(text)
        known = visit.hall.look.catalogue.get(parameter.quantity)
        if known is not None:
            value = convert(value, parameter.unit, known.unit)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{text[:LONGEST]!r} is no number.", phrase=Phrase("no_number", {"text": text[:LONGEST]})
        ) from None
    return Measurement(one.probe.id, parameter.quantity, visit.now, value, text, parameter.unit, ORIGIN)


async def _proposal(visit: Visit, site: Site, fields: Mapping[str, str], what: str, now: str) -> Proposal:
    accounts = await visit.store.accounts_of(site.id)
    account = next((one for one in accounts if one.owner == visit.user.email), accounts[0] if accounts else None)
    cloud = visit.hall.titles.get(site.vendor, site.vendor)
    return Proposal(fields, what, now, cloud, (account.login or account.id) if account else "")


# --- the page ---------------------------------------------------------------------------------------------------------


async def _shown(visit: Visit, site: Site, status: int = 200, *, trouble: MargelleError | None = None) -> Response:
    waiting = await visit.store.recommendations(site.id)
    switches = site.switches if visit.display(site).switchable else ()
    return visit.page(
        "acts.html",
        status,
        site=site,
        back=path_of(site),
        advised=[Advised(one, ago(one.created_at, visit.now, visit.words)) for one in waiting],
        switches=[await _turned(visit, one) for one in switches],
        settable=await _settable(visit, site),
        past=await _past(visit, site),
        trouble=visit.words.said(trouble.sentence) if trouble is not None else None,
    )


async def _turned(visit: Visit, switch: Switch) -> Turned:
    state = state_of(await visit.store.latest(switch.id, visit.now))
    age = ago(state.at, visit.now, visit.words) if state else ""
    return Turned(switch, state, age, TURNS)


def _standing(visit: Visit, state: SwitchState) -> str:
    told = visit.words("turn.on" if state.on else "turn.off")
    mode = f" ({visit.words(f'turn.{state.mode}')})" if state.mode else ""
    return visit.words("act.stands", state=told + mode, ago=ago(state.at, visit.now, visit.words))


async def _settable(visit: Visit, site: Site) -> list[Settable]:
    """The parameters of the site's probes, as their vendor shows them."""
    found = []
    for probe in await visit.store.probes(site.id):
        latest = await visit.store.latest(probe.id, visit.now) if not is_by_hand(probe) else {}
        found += [
            _parameter(visit, probe, one, latest[one.quantity])
            for one in visit.display(site).parameters
            if one.quantity in latest
        ]
    return found


def _parameter(visit: Visit, probe: Probe, one: Parameter, point: Measurement) -> Settable:
    known = one.quantity in visit.hall.look.catalogue
    label = f"{visit.words.label(one.quantity)} ({one.name})" if known else one.name
    unit = one.unit if one.unit is not Unit.RATIO else Unit.STATE
    told = with_unit(as_written(point.raw[:40], visit.words.language), point.raw_unit)
    return Settable(probe, one, label, symbol(unit), told, ago(point.at, visit.now, visit.words))


async def _past(visit: Visit, site: Site) -> list[Past]:
    """The last acts on this site, the newest first, with what the cloud told after each."""
    found = await visit.store.audit(200, sites=[site.id])
    acts = [one for one in found if one.act in _ACTS][:SHOWN]
    return [
        Past(
            clock_time(one.at, visit.zone(site), visit.now, visit.words.language),
            one.user,
            visit.words(f"act.{one.act}"),
            one.subject,
            visit.words.said(one.sentence),
        )
        for one in acts
    ]
