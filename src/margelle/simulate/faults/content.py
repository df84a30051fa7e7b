"""The part of the catalogue that concerns what is told: keys, times, rows, pages, and what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from margelle.simulate.faults import effect, grudge, refusal
from margelle.simulate.faults.effect import always, answer, changed
from margelle.simulate.faults.fault import Effect, Fault, Fit
from margelle.simulate.faults.operations import names
from margelle.simulate.faults.service import CORE, O_API

AHEAD: Final = timedelta(minutes=39)

_TIMES: Final = ("value_time", "updated_at", "created_at", "deadline")
_READING_TIMES: Final = ("value_time", "DateTime", "timestamp")


def _readings(what: Effect, *more_of_ondilo: str) -> tuple[Fit, ...]:
    ondilo = ("lastmeasures", "measures", *more_of_ondilo)
    return (
        Fit("ondilo", ondilo, what),
        Fit("flipr", ("hours", "days"), what),
        Fit("baxo", ("realtimes", "historics"), what),
    )


CONTENT: Final[tuple[Fault, ...]] = (
    Fault(
        "lastmeasures-empty",
        "`lastmeasures` is an empty list, while `measures` has everything.",
        f"{CORE} #114223, PR #114022.",
        (Fit("ondilo", ("lastmeasures",), always(answer(200, []))),),
    ),
    Fault(
        "times-naive",
        "Every time is in UTC and does not say so: 2024-01-01 01:00:00.",
        f"{CORE} PR #114022 and the openHAB binding: `lastmeasures` since March 2024; pool-pilot: read as local time, hours off.",
        (Fit("ondilo", O_API, changed(effect.values(_TIMES, effect.naive))),),
    ),
    Fault(
        "times-zoned",
        "Every time has its offset, also those of `lastmeasures`: 2024-01-01T01:00:00+0000.",
        "Ondilo's document; the cloud before March 2024.",
        (Fit("ondilo", O_API, changed(effect.values(_TIMES, effect.zoned))),),
    ),
    Fault(
        "keys-renamed",
        "A key has another name than the document's: `Level`, a word, for `Value` (Flipr's conductivity), `deviceIdentifier` for `deviceIdentifiant` (BAXO).",
        "cnico/flipr-api since 2021; BAXO Connect's document, 3.5 against 3.7.",
        (
            Fit(
                "flipr",
                ("last", "hours", "resume"),
                changed(effect.values(("Conductivity",), effect.level_only)),
            ),
            Fit("baxo", ("realtimes",), changed(effect.renamed("deviceIdentifiant", "deviceIdentifier"))),
        ),
    ),
    Fault(
        "object-empty",
        "Status 200 and `{}` where a measure should be.",
        f"{CORE} #77273, #79697.",
        (Fit("flipr", ("resume", "last"), always(answer(200, {}))),),
    ),
    Fault(
        "current-empty",
        'The résumé has `Current: ""`: in winter, or before the first calibration.',
        f"{CORE} #59973, #105778.",
        (Fit("flipr", ("resume",), changed(effect.with_value("Current", ""))),),
    ),
    Fault(
        "temperature-null",
        "The temperature is null: in winter, or before the first calibration.",
        f"{CORE} #59973, #105778.",
        (Fit("flipr", ("last", "hours", "resume"), changed(effect.values(("Temperature",), lambda _: None))),),
    ),
    Fault(
        "disinfectant-bare",
        "The disinfectant has no `Value`; a client that counts with it fails.",
        "Flipr's document prints none; cnico/flipr-api needs one.",
        (
            Fit(
                "flipr",
                ("last", "hours", "resume"),
                changed(effect.values(("Desinfectant",), effect.without("Value"))),
            ),
        ),
    ),
    Fault(
        "last-gone",
        "`survey/last` is not found any more, while `NewResume` has the newest measure.",
        f"{CORE} #89622: it stopped for some accounts in March 2023; the status is our reading.",
        (Fit("flipr", ("last",), always(refusal.F_GONE)),),
    ),
    Fault(
        "thresholds-null",
        "A pool's limits are all null.",
        "homebridge-ondilo-ico, change log of 1.0.0.",
        (Fit("ondilo", ("configuration",), changed(effect.all_null)),),
    ),
    Fault(
        "device-null",
        "A pool has no device: `null`.",
        "Home Assistant's ondilo_ico skips such a pool.",
        (Fit("ondilo", ("device",), always(answer(200, None))),),
    ),
    Fault(
        "rows-doubled",
        "Every row comes twice, as from pages that overlap.",
        "No public thread: no vendor's document promises that rows are unique.",
        _readings(changed(effect.lists(effect.doubled))),
    ),
    Fault(
        "rows-reordered",
        "The rows of a list are in another order than the document shows; pools too.",
        "homebridge-ondilo-ico, change log of 1.0.0: the pools' order is not stable.",
        _readings(changed(effect.lists(effect.shuffled)), "pools"),
    ),
    Fault(
        "next-circles",
        "The next page of a history is followed by itself, for ever.",
        "No public thread: what a client that trusts `next` must survive.",
        (Fit("baxo", ("historics",), grudge.next_page_again("next")),),
    ),
    Fault(
        "readings-10min",
        "The devices are restarted just before they are asked: they measure at once, and every ten minutes for an hour.",
        "Ondilo's help pages: after a restart the ICO measures every ten minutes for the first hour.",
        (Fit("ondilo", ("pools", "lastmeasures", "measures"), effect.restarted()),),
    ),
    Fault(
        "clock-ahead",
        f"The times of readings are {AHEAD.seconds // 60} minutes ahead.",
        "A note on Kheiron, on which BAXO Connect is built: a time 39 minutes after the request that got it.",
        (
            Fit("ondilo", ("lastmeasures", "measures"), changed(effect.values(_READING_TIMES, effect.ahead(AHEAD)))),
            Fit("flipr", ("resume", "last", "hours"), changed(effect.values(_READING_TIMES, effect.ahead(AHEAD)))),
            Fit("baxo", ("realtimes", "historics"), changed(effect.values(_READING_TIMES, effect.ahead(AHEAD)))),
        ),
    ),
    Fault(
        "pools-none",
        "The list of pools, modules or contracts is empty for a while; clients that believe it delete their devices.",
        f"{CORE} #115306: no devices.",
        (
            Fit("ondilo", ("pools",), always(answer(200, []))),
            Fit("flipr", ("modules",), always(answer(200, []))),
            Fit("baxo", ("contracts",), always(answer(200, {"contracts": []}))),
        ),
    ),
    Fault(
        "pool-vanished",
        "One pool, module or device (that with the highest id) is gone from the list, and 404 from then on.",
        "Home Assistant and ioBroker delete what is missing in the list of pools.",
        (
            Fit("ondilo", ("pools",), grudge.one_gone("id")),
            Fit(
                "ondilo",
                names("ondilo", "authorize", "token", "pools", "user-info", "user-units"),
                grudge.gone(refusal.error(404, "Not found")),
            ),
            Fit("flipr", ("modules",), grudge.one_gone("Serial")),
            Fit("flipr", names("flipr", "token", "modules", "place", "alerts"), grudge.gone(refusal.F_GONE)),
            Fit("baxo", ("devices",), grudge.one_gone("id", "devices")),
            Fit("baxo", names("baxo", "contracts", "devices"), grudge.gone(refusal.B_GONE)),
        ),
    ),
)
