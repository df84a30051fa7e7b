"""What makes a pool itself: its basin, its place, its equipment, its owner's habits and the device in it."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from margelle.domain.site import Address, Band, Disinfectant, Scalar, SiteKind
from margelle.simulate.weather import Climate

Season = tuple[int, int]
"""A month and a day."""


class Basin(Struct, frozen=True):
    """The water's vessel. `loss` is the heat lost to the air around in W/(m2 K); `shelter` 0 to 1 keeps wind and sky away.

    `heater` is in W per m2 of surface and heats to `heated_to` (degrees Celsius) in winter and a little less in summer. `covered` says when
    a cover lies on it: never, from November to March, or whenever nobody bathes.
    """

    volume_m3: float
    depth_m: float
    loss: float = 6.0
    shelter: float = 0.35
    heater: float = 0.0
    heated_to: float = 0.0
    covered: Literal["never", "winter", "unused"] = "winter"


class Habits(Struct, frozen=True):
    """How the owner keeps the water. `oxidant_target` is the free chlorine or bromine aimed at, in mg/L; `solids` what the owner starts a
    year with (TDS, or salt in a salt pool) and `tap_solids` what tap water brings, in mg/L.

    pH minus is dosed some days (up to `delay_days`) after pH has passed `ph_acts_at`, down to `ph_target`, more or less exactly.
    `bathers` come on a fine weekend afternoon, or on a weekend evening to a spa. On `renewals` the water is changed in part, or wholly where
    `drained`; each begins an era of its own.
    """

    oxidant_target: float
    solids: float
    tap_solids: float = 340.0
    stabiliser: float = 35.0
    ph_start: float = 7.3
    ph_acts_at: float = 7.65
    ph_target: float = 7.25
    delay_days: int = 4
    bathers: float = 4.0
    holiday_days: int = 12
    maintenance_day: int = 5
    renewals: tuple[Season, ...] = ((4, 1),)
    drained: bool = False


class Pump(Struct, frozen=True):
    """A pump that can be switched by the device called `serial`; `timetable` are the local hours, from and until, in which it runs by planning."""

    serial: str
    timetable: tuple[tuple[int, int], ...] = ((9, 12), (15, 19))
    firmware: str = "1"


class Pool(Struct, frozen=True):
    """One pool and the device that floats in it. `key` is the id at its vendor's cloud, where that is a number, `wire_type` that vendor's word for its type.

    `shared_with` are positions in the cloud's list of users. `bands` are by quantity. `tells` are the quantities that the device tells, empty for
    those of an ICO; `place` names its place in the water, and `excludes` says whether its cloud marks what it measures out of the water. `pump` is one that the cloud can switch.
    """

    key: int
    name: str
    kind: SiteKind
    wire_type: str
    disinfectant: Disinfectant
    address: Address
    climate: Climate
    basin: Basin
    habits: Habits
    bands: dict[str, Band]
    serial: str
    hardware: str
    vendor: str = "ondilo"
    firmware: str = "1.6.2-stable"
    time_zone: str = "Europe/Paris"
    uv: bool = False
    service_phone: str = ""
    shared_with: tuple[int, ...] = ()
    site_key: str = ""
    place: str = "ico"
    tells: tuple[str, ...] = ()
    excludes: bool = True
    attributes: dict[str, Scalar] = {}
    pump: Pump | None = None

    @property
    def own_key(self) -> str:
        """The id at its vendor's cloud."""
        return self.site_key or str(self.key)

    @property
    def told(self) -> tuple[str, ...]:
        """The quantities that its device tells."""
        return self.tells or ("temperature", "ph", "orp", self.solids, "battery", "rssi")

    @property
    def solids(self) -> Literal["salt", "tds"]:
        """Which of the two the device reports: salt in a salt pool, TDS elsewhere."""
        return "salt" if self.disinfectant == "salt" else "tds"


PROVENCE: Final = Climate("Saint-Cannat", 43.62, 5.30, mean=14.2, swing=8.8, wet_share=0.18, wet_day_mm=10.5)
AQUITAINE: Final = Climate(
    "Bordeaux", 44.84, -0.58, mean=13.6, swing=7.4, wet_share=0.33, wet_day_mm=7.5, summer_dry=0.35
)
LYONNAIS: Final = Climate("Lyon", 45.76, 4.84, mean=12.9, swing=9.3, wet_share=0.29, wet_day_mm=8.0, summer_dry=0.15)

BANDS: Final = {
    "temperature": Band(10, 32),
    "ph": Band(7.0, 7.6),
    "orp": Band(600, 850),
    "salt": Band(3000, 5000),
    "tds": Band(250, 1500),
}

FAMILY: Final = Pool(
    key=31415,
    name="Piscine du mas",
    kind="pool",
    wire_type="outdoor_inground_pool",
    disinfectant="chlorine",
    address=Address("14 chemin des Oliviers", "13760", "Saint-Cannat", "France", 43.6215, 5.2983),
    climate=PROVENCE,
    basin=Basin(volume_m3=48, depth_m=1.45),
    habits=Habits(oxidant_target=2.2, solids=640, stabiliser=30, bathers=5),
    bands=BANDS,
    serial="SN48213",
    hardware="70B3D549943A1C52",
    uv=False,
    service_phone="0442570000",
    shared_with=(1,),
)

SALT: Final = Pool(
    key=27182,
    name="Bassin à sel",
    kind="pool",
    wire_type="outdoor_inground_pool",
    disinfectant="salt",
    address=Address("3 allée des Pins", "33600", "Pessac", "France", 44.8067, -0.6311),
    climate=AQUITAINE,
    basin=Basin(volume_m3=72, depth_m=1.55),
    habits=Habits(oxidant_target=1.8, solids=4500, stabiliser=22, ph_acts_at=7.7, bathers=4, maintenance_day=2),
    bands=BANDS,
    serial="SN51877",
    hardware="70B3D549943B02E7",
    uv=True,
)

SPA: Final = Pool(
    key=57721,
    name="Spa de la terrasse",
    kind="spa",
    wire_type="outdoor_spa",
    disinfectant="bromine",
    address=Address("14 chemin des Oliviers", "13760", "Saint-Cannat", "France", 43.6215, 5.2983),
    climate=PROVENCE,
    basin=Basin(1.4, 0.8, loss=1.6, shelter=0.7, heater=1150, heated_to=37.0, covered="unused"),
    habits=Habits(
        oxidant_target=3.5,
        solids=480,
        stabiliser=0,
        ph_start=7.35,
        delay_days=2,
        bathers=3,
        holiday_days=7,
        maintenance_day=0,
        renewals=((1, 8), (4, 8), (7, 8), (10, 8)),
        drained=True,
    ),
    bands=BANDS | {"temperature": Band(30, 40), "orp": Band(550, 850)},
    serial="SN60342",
    hardware="70B3D549943C77A0",
)

NEIGHBOUR: Final = Pool(
    key=14142,
    name="Piscine hors-sol",
    kind="pool",
    wire_type="outdoor_aboveground_pool",
    disinfectant="chlorine",
    address=Address("27 rue du Dauphiné", "69800", "Saint-Priest", "France", 45.6964, 4.9447),
    climate=LYONNAIS,
    basin=Basin(volume_m3=19, depth_m=1.2, loss=9.0),
    habits=Habits(oxidant_target=1.2, solids=520, ph_acts_at=7.8, delay_days=7, bathers=3, maintenance_day=6),
    bands=BANDS,
    serial="SN33904",
    hardware="70B3D5499438F9D1",
)

LODGE: Final = Pool(
    key=16180,
    name="Piscine du gîte",
    kind="pool",
    wire_type="",
    disinfectant="chlorine",
    address=Address("9 route de Blaye", "33710", "Bourg", "France", 45.0406, -0.5583),
    climate=AQUITAINE,
    basin=Basin(volume_m3=36, depth_m=1.4),
    habits=Habits(oxidant_target=1.9, solids=720, ph_acts_at=7.7, delay_days=5, bathers=4, maintenance_day=4),
    bands=BANDS,
    serial="21BXYZ",
    hardware="",
    vendor="flipr",
    firmware="4",
    site_key="21BXYZ",
    place="probe",
    tells=(
        "temperature",
        "ph",
        "orp",
        "conductivity",
        "uv_index",
        "cloud_cover",
        "battery",
        "free_chlorine_estimate",
    ),
    excludes=False,
    attributes={"built_year": 2014, "commercial_type": "Pro"},
    pump=Pump("2H8KTM"),
)

POOLS: Final[tuple[tuple[Pool, ...], ...]] = ((FAMILY, SALT, SPA, LODGE), (NEIGHBOUR,))
"""The pools of the first user of a cloud, of the second, and so on."""
