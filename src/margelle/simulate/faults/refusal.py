"""What the vendors' clouds say when they refuse, each in its own words."""

from __future__ import annotations

from typing import Final

from margelle.simulate.faults.effect import answer
from margelle.simulate.faults.fault import Answer

LIMIT: Final = {"message": "Limit Exceeded"}
F_LIMIT: Final = {"Message": "Too many requests."}
B_LIMIT: Final = {"error": "too_many_requests", "message": "Too many requests."}

INVALID_GRANT: Final = answer(400, {"error": "invalid_grant", "error_description": "The refresh token is invalid."})
INVALID_LOGIN: Final = answer(
    400, {"error": "invalid_grant", "error_description": "The user name or password is incorrect."}
)
F_DENIED: Final = answer(401, {"Message": "Authorization has been denied for this request."})
F_GONE: Final = answer(404, {"Message": "No HTTP resource was found that matches the request URI."})
B_DENIED: Final = answer(401, {"error": "unauthorized", "message": "The username or the password is wrong."})
B_INACTIVE: Final = answer(403, {"error": "forbidden", "message": "The API is not activated for this user."})
B_GONE: Final = answer(404, {"error": "not_found", "message": "There is no such device."})
B_EXPIRED: Final = answer(400, {"error": "bad_request", "message": "This page has expired."})


def error(status: int, message: str) -> Answer:
    """As Ondilo says it."""
    return answer(status, {"error": {"message": message}})
