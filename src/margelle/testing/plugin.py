"""The clouds as a pytest fixture: `pytest_plugins = ["margelle.testing.plugin"]` in your top `conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from margelle.testing.sky import Sky, clouds


@pytest.fixture(scope="session")
def margelle_clouds_options() -> dict[str, Any]:
    """What `margelle.testing.clouds` is called with, by name: a fixture of this name in your `conftest.py` takes its place."""
    return {}


@pytest.fixture(scope="session")
def margelle_sky(margelle_clouds_options: dict[str, Any]) -> Iterator[Sky]:
    """Clouds for all tests of a run."""
    with clouds(**margelle_clouds_options) as sky:
        yield sky


@pytest.fixture
def margelle_clouds(margelle_sky: Sky) -> Iterator[Sky]:
    """The clouds for one test: without faults and with an empty log, whatever earlier tests chose."""
    margelle_sky.reset()
    yield margelle_sky
    margelle_sky.reset()
