"""Heat and chemistry of the water in a basin, in steps of one hour.

The surface exchanges heat with sun, sky and air; acid, oxidant and solids come and go. The vessel is taken as well mixed, but for the warm
layer that the sun makes while the pump rests. Coefficients without a named source were chosen so that private pools look as their
owners' logs do.
"""

from __future__ import annotations

from math import exp, log10
from typing import Final, NamedTuple

from margelle.simulate.pool import Pool
from margelle.simulate.weather import Hour

HEAT_CAPACITY: Final = 4.18e6
"""J/(m3 K) of water."""

ABSORBED: Final = 0.68
"""Part of the sun that a light-coloured pool keeps."""

EVAPORATION_W: Final = 89 + 78 * 0.3
"""W/m2 per kPa: ASHRAE Applications (1999), natatoriums and outdoor pools, at a sheltered 0.3 m/s."""

EVAPORATION_MM_PER_WH: Final = 3600 / 2.45e6
"""mm of water that 1 Wh/m2 evaporates (latent heat 2.45 MJ/kg)."""

SKY_LOSS: Final = 5.5
"""W/(m2 K) of thermal radiation at pool temperatures (4 sigma T^3)."""

COVER_SUN: Final = 0.3
COVER_LOSS: Final = 0.35
"""Parts of sun and losses that a cover lets through; a spa's insulated lid lets less through (its `shelter` says how much)."""

COVER_RAIN: Final = 0.5
"""Part of the rain that comes through a pool's winter cover; none through a spa's lid."""

PH_OF_AIR: Final = 8.25
"""The pH at which pool water has no more carbon dioxide to lose to the air."""

DEGASSING: Final = 0.0020
"""Part of the way to `PH_OF_AIR` that still water at 25 degrees goes in an hour."""

SUN_HALF: Final = 0.045
"""Part of the chlorine that an hour of 1000 W/m2 destroys at 35 mg/L of stabiliser; without any it is about eight times as much."""

BATHER_G: Final = 1.5
"""Grams of oxidant that one bather uses up in an hour: an afternoon's bath takes the 4 to 10 g of the trade's rules of thumb."""


class Work(NamedTuple):
    """What equipment and people do in one hour. `acid` is in pH units, `oxidant` and `solids` in mg/L, `fresh_mm` mm of tap water."""

    pump: bool = False
    bathers: float = 0.0
    acid: float = 0.0
    oxidant: float = 0.0
    fresh_mm: float = 0.0
    solids: float = 0.0
    covered: bool = False
    thermostat: float = 0.0


class State(NamedTuple):
    """The water at an instant: degrees Celsius, pH, mg/L, mg/L; `light` is the sun of the last hours (W/m2), `glow` the warm surface layer's
    excess in kelvin, `pump` and `heater` whether they run."""

    temperature: float
    ph: float
    oxidant: float
    solids: float
    light: float = 0.0
    glow: float = 0.0
    pump: bool = False
    heater: bool = False


def vapour_kpa(temperature: float) -> float:
    """Saturation vapour pressure over water at -20 to 60 degrees Celsius: Magnus formula with Alduchov and Eskridge's (1996) constants."""
    return 0.61094 * exp(17.625 * temperature / (temperature + 243.04))


def warmed(pool: Pool, temperature: float, hour: Hour, work: Work, heater: bool) -> tuple[float, float]:
    """The temperature an hour later, and how many mm have evaporated.

    Convection follows the basin's `loss`; the sky is taken 12 K colder than the air when clear, 2 K when overcast.
    """
    basin = pool.basin
    spa = basin.covered == "unused"
    through = (1 - basin.shelter) * COVER_LOSS if spa else COVER_LOSS
    leak = through if work.covered else 1.0
    moist = pool.climate.humidity + 0.25 * hour.cloud
    jets = 2.0 if spa and work.bathers else 1.0
    shelter = 0.5 + 0.5 * (1 - basin.shelter)
    vapour = max(0.0, EVAPORATION_W * 0.75 * shelter * jets * (vapour_kpa(temperature) - moist * vapour_kpa(hour.air)))
    evaporation = vapour * (leak * 0.15 if work.covered else 1.0)
    sky = SKY_LOSS * (temperature - hour.air + 12 - 10 * hour.cloud) * leak * (0.15 if spa and work.covered else 1.0)
    air = basin.loss * (temperature - hour.air) * (leak if not spa else 1.0)
    sun = ABSORBED * hour.sun * (COVER_SUN * (1 - basin.shelter) if work.covered else 1.0)
    rain = 0.0 if work.covered and spa else hour.rain_mm * 1.16 * (hour.air - 2 - temperature)  # 1.16 Wh/(L K)
    watts = sun - evaporation - sky - air + rain + (basin.heater if heater else 0.0)
    after = temperature + watts * 3600 / (HEAT_CAPACITY * basin.depth_m)
    return after, evaporation * EVAPORATION_MM_PER_WH


def stepped(pool: Pool, state: State, hour: Hour, work: Work) -> State:
    """The water an hour later."""
    heater = work.thermostat > 0 and state.temperature < work.thermostat + (0.25 if state.heater else -0.25)
    temperature, evaporated_mm = warmed(pool, state.temperature, hour, work, heater)
    if heater:  # it switches off within the hour
        temperature = min(temperature, max(state.temperature, work.thermostat + 0.3))
    depth_mm = pool.basin.depth_m * 1000
    rain_mm = hour.rain_mm * ((0.0 if pool.kind == "spa" else COVER_RAIN) if work.covered else 1.0)
    fresh = work.fresh_mm / depth_mm
    if fresh:
        temperature += (14.0 - temperature) * fresh  # tap water in a buried pipe
    light = state.light + (hour.sun * (0.2 if work.covered else 1.0) - state.light) * 0.4
    return State(
        temperature,
        _ph(pool, state, work, rain_mm / depth_mm, fresh),
        _oxidant(pool, state, hour, work, rain_mm / depth_mm + fresh),
        _solids(pool, state, work, (evaporated_mm - rain_mm) / depth_mm, fresh),
        light,
        0.0 if work.pump or work.bathers else state.glow + (light / 1100 - state.glow) * 0.35,
        work.pump,
        heater,
    )


def _ph(pool: Pool, state: State, work: Work, rain: float, fresh: float) -> float:
    """Carbon dioxide leaves faster when the water is warm, moved and bathed in; electrolysis and bromine push pH up, tablets down."""
    spa = pool.kind == "spa"
    stirred = (
        (0.6 + 0.7 * work.pump) * (0.25 if work.covered else 1.0) * (1 + (4.0 if spa else 0.15) * min(work.bathers, 4))
    )
    rise = DEGASSING * stirred * max(0.15, state.temperature / 25) * (PH_OF_AIR - state.ph)
    if work.oxidant:
        rise += work.oxidant * (0.008 if pool.disinfectant == "salt" else -0.0025)
    return state.ph + rise - work.acid - 1.2 * rain + 0.35 * fresh


def _oxidant(pool: Pool, state: State, hour: Hour, work: Work, diluted: float) -> float:
    """What sun, warmth and bathers leave of chlorine or bromine: first-order losses, doubling every 10 kelvin in the dark."""
    shade = 0.1 if work.covered else 1.0
    sun = SUN_HALF * 8 / (1 + 7 * pool.habits.stabiliser / 35) * hour.sun / 1000 * shade
    dark = 0.007 * 2 ** ((state.temperature - 20) / 10) * (0.5 if pool.kind == "spa" else 1.0)
    used = BATHER_G * work.bathers / pool.basin.volume_m3
    left = state.oxidant * (1 - min(0.9, sun + dark + diluted)) + work.oxidant - used
    return max(0.02, left)


def _solids(pool: Pool, state: State, work: Work, concentrated: float, fresh: float) -> float:
    """Evaporation concentrates, rain and fresh water dilute; each mg/L of chlorine leaves about 1.6 of salts, acid some sulphate."""
    left = state.solids * (1 + concentrated - fresh) + fresh * pool.habits.tap_solids
    left += 60 * work.acid + work.solids
    return left + (0.0 if pool.disinfectant == "salt" else 1.6 * work.oxidant)


def active_share(ph: float, temperature: float, pka_shift: float = 0.0) -> float:
    """Part of free chlorine that is hypochlorous acid, at 0 to 40 degrees Celsius without stabiliser.

    pKa = 3000 / T - 10.0686 + 0.0253 T with T in kelvin: Morris, J. Phys. Chem. 70 (1966) 3798. `pka_shift` 1.1 is bromine's (pKa 8.6).
    """
    kelvin = temperature + 273.15
    pka = 3000 / kelvin - 10.0686 + 0.0253 * kelvin + pka_shift
    return 1 / (1 + 10 ** (ph - pka))


def orp(pool: Pool, state: State) -> float:
    """The potential in mV that an electrode shows in this water.

    660 mV (the rule says 650) stands for 0.011 mg/L of hypochlorous acid, which with stabiliser is FC / (2.7 CYA - 4.9 FC + 5) at pH 7.5 (R. Falk's rule, Trouble
    Free Pool); 85 mV a decade is the slope that pool electrodes have in practice. Bromine: 700 mV for 3 mg/L at pH 7.5. Indicative only,
    as ORP is in any pool.
    """
    if pool.disinfectant == "bromine":
        share = active_share(state.ph, state.temperature, 1.1) / active_share(7.5, state.temperature, 1.1)
        return 700 + 85 * log10(state.oxidant * share / 3) - 20 * (state.ph - 7.5)
    bound = max(1.0, 2.7 * pool.habits.stabiliser - 4.9 * state.oxidant + 5)
    share = active_share(state.ph, state.temperature) / active_share(7.5, state.temperature)
    return 660 + 85 * log10(state.oxidant / bound * share / 0.011) - 20 * (state.ph - 7.5)
