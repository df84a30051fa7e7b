"""Who uses the simulated clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from margelle.domain.site import User

OWNER: Final = "owner@clouds.example"
NEIGHBOUR: Final = "neighbour@clouds.example"
SEED: Final = "margelle"


def people(secret: str) -> list[User]:
    """Two users of the clouds, with the same password: the owner of several pools, and a neighbour."""
    from margelle.domain.site import User  # noqa: PLC0415 the command line names the two and seldom makes them
    from margelle.serve.sign_in import hash_password  # noqa: PLC0415

    hashed = hash_password(secret)
    return [User(OWNER, hashed, "Camille", "Martin"), User(NEIGHBOUR, hashed, "Lou", "Bernard", "fr")]
