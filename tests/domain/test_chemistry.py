"""Formulas of water, against published values."""

from __future__ import annotations

import pytest

from margelle.domain.chemistry import conductivity_of_solids, solids_of_conductivity


@pytest.mark.parametrize(("conductivity", "solids"), [(1413, 702), (2764, 1415), (8974, 4487)])
def test_solids_of_standard_solutions_are_within_three_percent(conductivity: float, solids: float) -> None:
    """Sper Scientific 850038, manual, page 43."""
    assert solids_of_conductivity(conductivity) == pytest.approx(solids, rel=0.03)
    assert conductivity_of_solids(solids) == pytest.approx(conductivity, rel=0.03)


def test_there_and_back_is_the_same() -> None:
    assert solids_of_conductivity(conductivity_of_solids(640.0)) == 640.0
