"""A cloud that answers as badly as clouds do: a real server on this machine's loopback, scripted request by request.

    from tests import hostile

    async with hostile.HostileCloud() as cloud:
        cloud.script(hostile.limited("60"), hostile.json({"ok": True}))     # the first request, the second
        cloud.always(hostile.html(502), path="/api/pools")                  # every request of that path that no script is for
        ... ask cloud.url + "/anything" ...
        assert [seen.target for seen in cloud.seen] == [...]

What it answers is a `Behaviour`: an async function of a `Call`, which has the request and sends raw bytes. Those below are made by functions of
their own; any other is written in a line or two. Nothing here sleeps: `drip` and `hold` go on when their event is set, or the client leaves.
A request that nothing is scripted for gets status 599, and is listed in `unscripted`.
"""

from tests.hostile.behaviour import (
    answer,
    broken_chunk,
    close_before_answer,
    cut,
    drip,
    empty,
    endless,
    gzipped,
    hold,
    html,
    http10,
    huge,
    invalid_utf8,
    json,
    large_headers,
    limited,
    nan,
    no_http,
    redirect,
    reset_before_answer,
    reset_in_body,
    reset_in_headers,
)
from tests.hostile.call import Behaviour, Call, Seen, head
from tests.hostile.cloud import HostileCloud

__all__ = [
    "Behaviour",
    "Call",
    "HostileCloud",
    "Seen",
    "answer",
    "broken_chunk",
    "close_before_answer",
    "cut",
    "drip",
    "empty",
    "endless",
    "gzipped",
    "head",
    "hold",
    "html",
    "http10",
    "huge",
    "invalid_utf8",
    "json",
    "large_headers",
    "limited",
    "nan",
    "no_http",
    "redirect",
    "reset_before_answer",
    "reset_in_body",
    "reset_in_headers",
]
