"""What the tests of BAXO's face share."""

from __future__ import annotations

import pytest

from tests.vendors.baxo.house import House, documented_house


@pytest.fixture
async def house() -> House:
    """The house as the document prints it."""
    return await documented_house()
