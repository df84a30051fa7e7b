"""The hub's own API, below `/api/v1/`."""

from typing import Final

API: Final = "/api/v1/"
"""Where it begins. No vendor's path begins so."""

NAME: Final = "api"
"""Under which its tokens are kept, as those of a face are under the vendor's name."""
