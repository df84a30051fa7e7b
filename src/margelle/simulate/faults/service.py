"""The part of the catalogue that concerns the service: limits, outages, sign-in, and answers that are none."""

from __future__ import annotations

from typing import Any, Final

from margelle.simulate.faults import effect, grudge, refusal
from margelle.simulate.faults.effect import always, answer, changed, page
from margelle.simulate.faults.fault import Effect, Fault, Fit
from margelle.simulate.faults.operations import names

RETRY_AFTER_S: Final = 60
SLOW_S: Final = 45.0
"""Longer than the patience of most clients."""

CORE: Final = "home-assistant/core"
O_ALL: Final = names("ondilo", "authorize")
O_API: Final = names("ondilo", "authorize", "token")
F_ALL: Final = names("flipr")
F_API: Final = names("flipr", "token")
B_ALL: Final = names("baxo")


def everywhere(what: Effect) -> tuple[Fit, ...]:
    """On whatever is asked of any vendor."""
    return Fit("ondilo", O_ALL, what), Fit("flipr", F_ALL, what), Fit("baxo", B_ALL, what)


def _limited(**headers: Any) -> tuple[Fit, ...]:
    said = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return (
        Fit("ondilo", O_ALL, always(answer(429, refusal.LIMIT, said))),
        Fit("flipr", F_ALL, always(answer(429, refusal.F_LIMIT, said))),
        Fit("baxo", B_ALL, always(answer(429, refusal.B_LIMIT, said))),
    )


SERVICE: Final[tuple[Fault, ...]] = (
    Fault(
        "quota-400",
        "The quota is used up, and the answer is 400.",
        f"{CORE} PR #116989: 400 at the hourly limit.",
        (Fit("ondilo", O_API, always(answer(400, refusal.LIMIT))),),
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
        "body-empty",
        "Status 200 and not a byte of body.",
        "Flipr, during outages; not reported of the others.",
        everywhere(effect.nothing()),
    ),
    Fault(
        "html-200",
        "Status 200 and a page in HTML.",
        "Flipr, during outages; not reported of the others.",
        everywhere(always(page(200, "Service temporarily unavailable"))),
    ),
    Fault(
        "html-502",
        "Status 502 and the page of a proxy.",
        f"{CORE}, tests of ondilo_ico; not reported of the others.",
        everywhere(always(page(502, "502 Bad Gateway"))),
    ),
    Fault(
        "maintenance-503",
        "The vendor works on its cloud: 503 and a page, for hours.",
        f"{CORE} #94854 (Ondilo); the status is our reading.",
        everywhere(always(page(503, "503 Service Unavailable"))),
    ),
    Fault(
        "error-500",
        "The cloud has an error of its own: 500.",
        "A client of Kheiron, on which BAXO Connect is built: POST of realtimes; not reported of the others.",
        (
            Fit("ondilo", O_API, always(refusal.error(500, "Internal server error"))),
            Fit("flipr", F_API, always(answer(500, {"Message": "An error has occurred."}))),
            Fit("baxo", B_ALL, always(answer(500, {"message": "An error has occurred."}))),
        ),
    ),
    Fault(
        "token-500",
        "The token endpoint answers 500; nobody can sign in or renew a token.",
        f"{CORE} #156532 (Ondilo).",
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
        f"{CORE} #124435, #124689.",
        (Fit("ondilo", ("pools",), always(refusal.error(400, "Cannot get user's pools 1"))),),
    ),
    Fault(
        "token-expired",
        "The access token that comes first is refused with 401 ever after; a new one is good.",
        "ioBroker.ico-cloud and homey-goflipr renew their token on it; flipr-api never does.",
        (
            Fit("ondilo", O_API, grudge.expired(refusal.error(401, "The access token has expired."))),
            Fit("flipr", F_API, grudge.expired(refusal.F_DENIED)),
        ),
    ),
    Fault(
        "token-revoked",
        "Every access token is refused with 401, and every refresh token as invalid: the user must sign in again.",
        f"{CORE} #116587, #116593: authentication broke for many users.",
        (
            Fit("ondilo", O_API, always(refusal.error(401, "The access token has been revoked."))),
            Fit("ondilo", ("token",), grudge.of_grant("refresh_token", always(refusal.INVALID_GRANT))),
            Fit("flipr", F_API, always(refusal.F_DENIED)),
            Fit("flipr", ("token",), grudge.of_grant("refresh_token", always(refusal.INVALID_GRANT))),
        ),
    ),
    Fault(
        "login-refused",
        "A login that was good is refused; who still has a token may go on.",
        "Ondilo redirects with access_denied (pool-pilot); flipr-api's 400; BAXO Connect's own status is not documented.",
        (
            Fit("ondilo", ("authorize",), grudge.denied()),
            Fit("flipr", ("token",), grudge.of_grant("password", always(refusal.INVALID_LOGIN))),
            Fit("baxo", B_ALL, always(refusal.B_DENIED)),
        ),
    ),
    Fault(
        "not-activated",
        "The login has no right to the API: 403, until the administrator activates it.",
        "BAXO Connect's document: access must be activated; the status is our reading.",
        (
            Fit(
                "baxo",
                B_ALL,
                always(refusal.B_INACTIVE),
            ),
        ),
    ),
    Fault(
        "refresh-token-absent",
        "A renewed token comes without a refresh token; the old one stays good.",
        "pool-pilot, against the live cloud; Home Assistant merges old and new.",
        (Fit("ondilo", ("token",), grudge.of_grant("refresh_token", changed(effect.without("refresh_token")))),),
    ),
    Fault(
        "forbidden-403",
        "The vendor shuts out home automation: 403.",
        f"{CORE} #108955.",
        (Fit("flipr", F_ALL, always(answer(403, {"Message": "Forbidden"}))),),
    ),
    Fault(
        "next-expired",
        "The next page of a history is refused: its address has expired.",
        "No public thread: BAXO Connect's document does not say how long `next` is good.",
        (
            Fit(
                "baxo",
                ("historics",),
                grudge.next_page_refused("next", refusal.B_EXPIRED),
            ),
        ),
    ),
    Fault(
        "slow",
        f"Answers take {SLOW_S:g} seconds.",
        f"{CORE} #99246: intermittent connection errors, of which nobody wrote down more.",
        everywhere(effect.slow(SLOW_S)),
    ),
    Fault(
        "cut",
        "Answers end in the middle; the connection is closed.",
        f"{CORE} #99246: intermittent connection errors, of which nobody wrote down more.",
        everywhere(effect.cut()),
    ),
)
