"""Where a face answers for every path that it does not have."""

from __future__ import annotations

import re
from typing import Any

from starlette.routing import Route


def rest(endpoint: Any) -> Route:
    """The last route of a face: every other path, whatever is in it. (Starlette's own does not know that a path can have a line break.)"""
    route = Route("/{path:path}", endpoint, name="nowhere")
    route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
    return route
