"""The catalogue: faults that happened, with where they were seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from margelle.simulate.faults import effect
from margelle.simulate.faults.effect import always, answer, changed, page
from margelle.simulate.faults.fault import Answer, Effect, Fault, Fit
from margelle.simulate.faults.operations import names

RETRY_AFTER_S: Final = 60
SLOW_S: Final = 45.0
"""Longer than the patience of most clients."""

AHEAD: Final = timedelta(minutes=39)

_CORE: Final = "home-assistant/core"
_O_ALL: Final = names("ondilo", "authorize")
_O_API: Final = names("ondilo", "authorize", "token")
_F_ALL: Final = names("flipr")
_F_API: Final = names("flipr", "token")
_B_ALL: Final = names("baxo")
_LIMIT: Final = {"message": "Limit Exceeded"}
_F_LIMIT: Final = {"Message": "Too many requests."}
_F_DENIED: Final = answer(401, {"Message": "Authorization has been denied for this request."})
_INVALID: Final = answer(400, {"error": "invalid_grant", "error_description": "The refresh token is invalid."})
_TIMES: Final = ("value_time", "updated_at", "created_at", "deadline")
_READING_TIMES: Final = ("value_time", "DateTime", "timestamp")


def _error(status: int, message: str) -> Answer:
    return answer(status, {"error": {"message": message}})


def _everywhere(what: Effect) -> tuple[Fit, ...]:
    return Fit("ondilo", _O_ALL, what), Fit("flipr", _F_ALL, what), Fit("baxo", _B_ALL, what)


def _readings(what: Effect, *more_of_ondilo: str) -> tuple[Fit, ...]:
    ondilo = ("lastmeasures", "measures", *more_of_ondilo)
    return (
        Fit("ondilo", ondilo, what),
        Fit("flipr", ("hours", "days"), what),
        Fit("baxo", ("realtimes", "historics"), what),
    )


def _limited(**headers: Any) -> tuple[Fit, ...]:
    said = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return (
        Fit("ondilo", _O_ALL, always(answer(429, _LIMIT, said))),
        Fit("flipr", _F_ALL, always(answer(429, _F_LIMIT, said))),
    )


CATALOGUE: Final[tuple[Fault, ...]] = (
    Fault(
        "quota-400",
        "The quota is used up, and the answer is 400.",
        f"{_CORE} PR #116989: 400 at the hourly limit.",
        (Fit("ondilo", _O_API, always(answer(400, _LIMIT))),),
    ),
    Fault(
        "quota-429",
        "The quota is used up: 429 with Retry-After, in seconds.",
        "The body in Wolbolar/IPSymconOndilo (2020), with no status; homebridge-ondilo-ico obeys 429 and the header.",
        _limited(retry_after=RETRY_AFTER_S),
    ),
    Fault(
        "quota-429-bare",
        "The quota is used up: 429 that does not say when to come back; the token endpoint too.",
        "SocrateMobile/Flipr_Pool, fixes of August 2026; for Ondilo, the body in Wolbolar/IPSymconOndilo (2020).",
        _limited(),
    ),
    Fault(
        "lastmeasures-empty",
        "`lastmeasures` is an empty list, while `measures` has everything.",
        f"{_CORE} #114223, PR #114022.",
        (Fit("ondilo", ("lastmeasures",), always(answer(200, []))),),
    ),
    Fault(
        "times-naive",
        "Every time is in UTC and does not say so: 2024-01-01 01:00:00.",
        f"{_CORE} PR #114022 and the openHAB binding: `lastmeasures` since March 2024; pool-pilot: read as local time, hours off.",
        (Fit("ondilo", _O_API, changed(effect.values(_TIMES, effect.naive))),),
    ),
    Fault(
        "times-zoned",
        "Every time has its offset, also those of `lastmeasures`: 2024-01-01T01:00:00+0000.",
        "Ondilo's document; the cloud before March 2024.",
        (Fit("ondilo", _O_API, changed(effect.values(_TIMES, effect.zoned))),),
    ),
    Fault(
        "keys-renamed",
        "A key has another name than the document's: `Level` for `Value` (Flipr's conductivity), `deviceIdentifier` for `deviceIdentifiant` (BAXO).",
        "cnico/flipr-api since 2021; BAXO Connect's document, 3.5 against 3.7.",
        (
            Fit(
                "flipr",
                ("last", "hours", "resume"),
                changed(effect.values(("Conductivity",), effect.renamed("Value", "Level"))),
            ),
            Fit("baxo", ("realtimes",), changed(effect.renamed("deviceIdentifiant", "deviceIdentifier"))),
        ),
    ),
    Fault(
        "object-empty",
        "Status 200 and `{}` where a measure should be.",
        f"{_CORE} #77273, #79697.",
        (Fit("flipr", ("resume", "last"), always(answer(200, {}))),),
    ),
    Fault(
        "current-empty",
        'The résumé has `Current: ""`: in winter, or before the first calibration.',
        f"{_CORE} #59973, #105778.",
        (Fit("flipr", ("resume",), changed(effect.with_value("Current", ""))),),
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
        "body-empty",
        "Status 200 and not a byte of body.",
        "Flipr, during outages; not reported of the others.",
        _everywhere(effect.nothing()),
    ),
    Fault(
        "html-200",
        "Status 200 and a page in HTML.",
        "Flipr, during outages; not reported of the others.",
        _everywhere(always(page(200, "Service temporarily unavailable"))),
    ),
    Fault(
        "html-502",
        "Status 502 and the page of a proxy.",
        f"{_CORE}, tests of ondilo_ico; not reported of the others.",
        _everywhere(always(page(502, "502 Bad Gateway"))),
    ),
    Fault(
        "maintenance-503",
        "The vendor works on its cloud: 503 and a page, for hours.",
        f"{_CORE} #94854 (Ondilo); the status is our reading.",
        _everywhere(always(page(503, "503 Service Unavailable"))),
    ),
    Fault(
        "token-500",
        "The token endpoint answers 500; nobody can sign in or renew a token.",
        f"{_CORE} #156532 (Ondilo).",
        (
            Fit(
                "ondilo",
                ("token",),
                always(answer(500, {"error": "server_error", "error_description": "Internal error"})),
            ),
            Fit("flipr", ("token",), always(answer(500, {"Message": "An error has occurred."}))),
        ),
    ),
    Fault(
        "pools-400",
        "The list of pools is refused with 400: Cannot get user's pools 1.",
        f"{_CORE} #124435, #124689.",
        (Fit("ondilo", ("pools",), always(_error(400, "Cannot get user's pools 1"))),),
    ),
    Fault(
        "token-expired",
        "The access token that comes first is refused with 401 ever after; a new one is good.",
        "ioBroker.ico-cloud and homey-goflipr renew their token on it; flipr-api never does.",
        (
            Fit("ondilo", _O_API, effect.expired(_error(401, "The access token has expired."))),
            Fit("flipr", _F_API, effect.expired(_F_DENIED)),
        ),
    ),
    Fault(
        "token-revoked",
        "Every access token is refused with 401, and every refresh token as invalid: the user must sign in again.",
        f"{_CORE} #116587, #116593: authentication broke for many users.",
        (
            Fit("ondilo", _O_API, always(_error(401, "The access token has been revoked."))),
            Fit("ondilo", ("token",), effect.of_grant("refresh_token", always(_INVALID))),
            Fit("flipr", _F_API, always(_F_DENIED)),
            Fit("flipr", ("token",), effect.of_grant("refresh_token", always(_INVALID))),
        ),
    ),
    Fault(
        "refresh-token-absent",
        "A renewed token comes without a refresh token; the old one stays good.",
        "pool-pilot, against the live cloud; Home Assistant merges old and new.",
        (Fit("ondilo", ("token",), effect.of_grant("refresh_token", changed(effect.without("refresh_token")))),),
    ),
    Fault(
        "forbidden-403",
        "The vendor shuts out home automation: 403.",
        f"{_CORE} #108955.",
        (Fit("flipr", _F_ALL, always(answer(403, {"Message": "Forbidden"}))),),
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
        "next-expired",
        "The next page of a history is refused: its address has expired.",
        "No public thread: BAXO Connect's document does not say how long `next` is good.",
        (
            Fit(
                "baxo",
                ("historics",),
                effect.next_page_refused(
                    "next", answer(400, {"error": "bad_request", "message": "This page has expired."})
                ),
            ),
        ),
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
        "The list of pools is empty for a while; clients that believe it delete their devices.",
        f"{_CORE} #115306: no devices.",
        (Fit("ondilo", ("pools",), always(answer(200, []))), Fit("flipr", ("modules",), always(answer(200, [])))),
    ),
    Fault(
        "pool-vanished",
        "One pool (that with the highest id) is gone from the list, and 404 from then on.",
        "Home Assistant and ioBroker delete what is missing in the list of pools.",
        (
            Fit("ondilo", ("pools",), effect.one_gone("id")),
            Fit(
                "ondilo",
                names("ondilo", "authorize", "token", "pools", "user-info", "user-units"),
                effect.gone(_error(404, "Not found")),
            ),
        ),
    ),
    Fault(
        "slow",
        f"Answers take {SLOW_S:g} seconds.",
        f"{_CORE} #99246: intermittent connection errors, of which nobody wrote down more.",
        _everywhere(effect.slow(SLOW_S)),
    ),
    Fault(
        "cut",
        "Answers end in the middle; the connection is closed.",
        f"{_CORE} #99246: intermittent connection errors, of which nobody wrote down more.",
        _everywhere(effect.cut()),
    ),
)
