"""What the tests of Flipr's face share."""

from __future__ import annotations

import pytest

from tests.vendors.flipr.house import House, documented_house


@pytest.fixture
async def house() -> House:
    """John's house as the document prints it, signed in."""
    return await documented_house()
