"""The one place where the rooms are put together: a hub's store, vendors, collector, faces and pages."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from margelle.cli.meanings import HubMeanings
from margelle.cli.terminal import utc_now
from margelle.config import Settings
from margelle.domain.quantity import is_state
from margelle.domain.site import Account, Site
from margelle.errors import BadInput, ConfigError, StoreError
from margelle.phrase import Phrase
from margelle.ports import (
    Backstage,
    Clock,
    Connector,
    Display,
    Http,
    NoSiblings,
    Rate,
    Siblings,
    Source,
    Spending,
    Store,
    Tokens,
    Vendor,
)
from margelle.store import file_of, open_store
from margelle.store.vault import Vault
from margelle.vendors import VENDORS

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from margelle.collect.loop import Collector
    from margelle.collect.reviewing import Reviewer
    from margelle.collect.standing import Standing
    from margelle.mqtt.broker import Broker
    from margelle.mqtt.listener import Listener
    from margelle.mqtt.topics import Topics
    from margelle.net.budget import Budget
    from margelle.net.http import CloudHttp
    from margelle.net.oauth import TokenKeeper
    from margelle.serve.readiness import Readiness
    from margelle.store.folder import Folder
    from margelle.store.pruner import Pruner

_HOUR_S = 3600
_MARK = "hub"
_ASK_NOW = "ask now"


class House:
    """An installation, opened. `pace` replaces the vendors' own, and the setting of an hour's requests rules over both."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, pace: Sequence[Rate] | None = None) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.mark = ""
        """By which this hub knows itself."""
        self.vendors = {
            name: replace(vendor, pace=_pace(vendor, settings, pace), source=self._source_of(vendor))
            for name, vendor in VENDORS.items()
        }
        self.clouds: dict[str, str] = {}
        """By vendor: to which other cloud than the vendor's own accounts are connected on the pages."""
        self.siblings: Siblings = NoSiblings()
        """The other processes of this hub on this machine."""
        self.meanings = HubMeanings(settings, self.vendors, store)
        self._collector: Collector | None = None
        self._https: dict[str, CloudHttp] = {}
        self._keepers: dict[str, TokenKeeper] = {}

    def vendor(self, name: str) -> Vendor:
        """The vendor called `name`. Raises BadInput."""
        if name not in self.vendors:
            raise BadInput(f"There is no vendor {name!r}.", hint=f"Known: {', '.join(self.vendors)}.")
        return self.vendors[name]

    def display(self, site: Site) -> Display:
        """How the site's quantities are shown."""
        vendor = self.vendors.get(site.vendor)
        if vendor is None or vendor.display is None:
            return Display()
        return vendor.display(self.meanings.sections[vendor.name], self.settings.catalogue)(site)

    def states(self, site: Site) -> Callable[[str], bool]:
        """Which of a site's quantities are only ever on or off."""
        return partial(is_state, catalogue=self.settings.catalogue, states=self.display(site).states)

    async def record(self, act: str, subject: str, outcome: str, site: str = "", phrase: Phrase | None = None) -> None:
        """Add to the audit log what a command did; the words of acts are those of the pages."""
        from margelle.ports import AuditEntry

        await self.store.record(AuditEntry(self.clock(), "", act, subject, outcome, site, phrase=phrase))

    async def record_on(self, account: Account, act: str, outcome: str) -> None:
        """Add to the audit log, of each site that the account brings, what a command did to it."""
        from margelle.ports import AuditEntry

        await self.store.record(AuditEntry.on(account, act, outcome, self.clock()))

    def budget(self, account: Account) -> Budget:
        """The account's request budget, which outlives this process. It lies beside the store, since whoever shares the one shares the other."""
        from margelle.net.budget import Budget, uptime_s

        uptime = uptime_s if self.clock is utc_now else None  # a made-up clock runs as it likes
        pace = self.vendor(account.vendor).pace
        return Budget(budget_file(self.settings), account.id, pace, uptime=uptime)

    def http(self, account: Account) -> CloudHttp:
        """The account's HTTP: one for the whole process."""
        from margelle.net.http import CloudHttp
        from margelle.net.names import Names
        from margelle.vendors.answer import is_limit

        if account.id not in self._https:
            timeout_s = self.settings["collect.timeout_s"]
            hosts = (vendor.host for vendor in self.vendors.values())
            names = Names.of(self.settings["collect.resolve"], hosts, self.mark)
            self._https[account.id] = CloudHttp(
                account.id,
                self.store,
                self.budget(account),
                self.clock,
                timeout_s=timeout_s,
                names=names,
                is_limit=is_limit,
            )
        return self._https[account.id]

    def tokens(self, account: Account) -> TokenKeeper:
        """The keeper of the account's token: one for the whole process."""
        from margelle.net.oauth import TokenKeeper

        if account.id not in self._keepers:
            self._keepers[account.id] = TokenKeeper(account.id, self.store, self.clock)
        return self._keepers[account.id]

    def source(self, account: Account) -> Source:
        """What collects from the account."""
        return self.vendor(account.vendor).source(account, self.http(account), self.tokens(account))

    def connector(self, account: Account) -> Connector:
        """What signs the account's owner in."""
        vendor = self.vendor(account.vendor)
        return vendor.connect(account.base_url or vendor.base_url, self.http(account), self.clock)

    async def look_up(self, account: Account) -> None:
        """Ask what the account has, as the collector's first ask of it, which the collector then need not make again."""
        from margelle.collect import plan, progress
        from margelle.collect.gather import Gather
        from margelle.collect.meter import Meter
        from margelle.domain.reason import Reason

        known = await progress.load(self.store, account.id)
        meter = Meter(self.http(account))
        source = self.vendor(account.vendor).source(account, meter, self.tokens(account))
        catalogue = self.settings.catalogue
        gather = Gather(
            account,
            source,
            meter,
            known,
            store=self.store,
            clock=self.clock,
            catalogue=catalogue,
            states=self.states,
        )
        await gather.perform(plan.Ask("discover", account.id, self.clock(), (Reason("new"),), plan.NEW))
        await progress.save(self.store, account.id, known, self.clock())

    def spending(self, account: Account) -> Spending | None:
        """How the account's budget stands; None where there is no cloud, or its vendor is not known any more."""
        if account.nearby or account.vendor not in self.vendors:
            return None
        budget = self.budget(account)
        try:
            return budget.spending(self.clock())
        finally:
            budget.close()

    def requests_left(self, account: Account) -> dict[str, int]:
        """How many requests the account's budget still allows in the longest time it counts, and how many in all. Empty for a probe nearby."""
        if account.nearby:
            return {}
        spending = self.spending(account)
        if spending is None or spending.full is None:
            return {"requests_left": 0, "requests_allowed": 0}
        left = 0 if spending.paused_until else max(spending.full - len(spending.spent), 0)
        return {"requests_left": left, "requests_allowed": spending.full}

    def collector(self, name: str = "") -> Collector:
        """The collector of all accounts; of those that were claimed under `name`, if that is given."""
        from margelle.collect.loop import Collector

        days = self.settings["receipts_days"]
        self._collector = Collector(
            self.store,
            self.vendors,
            self.http,
            self.tokens,
            self.clock,
            self.settings.catalogue,
            receipts_days=days,
            name=name,
            news=self.meanings.news(),
            states=self.states,
        )
        collector = self._collector
        self.siblings.answer(_ASK_NOW, lambda account: b"" if collector.ask_now(account.decode()) else None)
        return collector

    def standing(self) -> Standing:
        """The collector, as the pages know it."""
        from margelle.collect.standing import Standing

        return Standing(self.store, self.spending, self.clock, self._ask_now)

    async def _ask_now(self, account: str) -> bool:
        """Have the collector, here or in another process of this hub, ask an account's newest values; whether there is one that may."""
        if self._collector is not None and self._collector.ask_now(account):
            return True
        return bool(await self.siblings.ask(_ASK_NOW, account.encode()))

    def reviewer(self) -> Reviewer:
        """What judges anew all that is kept, where a rule has changed."""
        from margelle.collect.reviewing import Reviewer

        return Reviewer(self.store, self.clock, self.settings.catalogue)

    def folder(self) -> Folder:
        """What moves, in the background, what came lately to where it stays."""
        from margelle.store.folder import Folder

        return Folder(self.store)

    def pruner(self) -> Pruner:
        """What has the store forget what ages, where no collector of this hub does."""
        from margelle.store.pruner import Pruner

        return Pruner(self.store, self.clock, self.settings["receipts_days"])

    def listener(self, collector: Collector) -> Listener | None:
        """What listens to the broker of the settings while `collector` leads, if they name one. Raises ConfigError."""
        heard = self.heard()
        if heard is None:
            return None
        from margelle.mqtt.listener import Listener

        broker, topics = heard
        return Listener(broker, topics, self.store, self.clock, self.settings.catalogue, leads=lambda: collector.leads)

    def heard(self) -> tuple[Broker, Topics] | None:
        """The broker of the settings and what is heard of it, if they name one. Raises ConfigError."""
        if not self.settings["mqtt.url"]:
            return None
        from margelle.mqtt.broker import Broker
        from margelle.mqtt.topics import Topics

        own = self.settings.section("mqtt")
        topics = Topics(own["topics"], self.settings.catalogue)
        if not topics.targets:
            raise ConfigError("mqtt.url names a broker, but mqtt.topics names no topic.")
        return Broker.of(own["url"], own["login"], own["password"], own["client_id"]), topics

    def app(
        self,
        *,
        public_page: bool = False,
        ready: Callable[[], bool] | None = None,
        readiness: Readiness | None = None,
        demo: bool = False,
    ) -> Starlette:
        """The web application: faces, pages and health; one that is a `demo` says so on every page."""
        from margelle.collect.actions import ForwardedActions
        from margelle.serve import app

        return app.build(
            self.store,
            list(self.vendors.values()),
            self.meanings.sections,
            self.clock,
            ForwardedActions(self.store, self.source, self.clock, self.settings.catalogue),
            pages=self.settings["pages"],
            quotas=self.settings["faces.quotas"],
            public_page=public_page,
            demo="hub" if demo else "",
            public_url=self.settings["public_url"],
            catalogue=self.settings.catalogue,
            title=self.settings["title"],
            time_zone=self.settings["time_zone"],
            regime=self.settings["limits"],
            ready=ready,
            readiness=readiness,
            siblings=self.siblings,
            mark=self.mark,
            api=app.Api(
                self.standing().reports,
                tuple(self.settings["api.origins"]),
                self.settings["api.requests_per_minute"],
                self.settings["api.lookback_s"],
                metrics=self.settings["metrics"],
                most_bytes=round(self.settings["api.intake_mib"] * (1 << 20)),
                size_bytes=self.size_bytes,
            ),
            backstage=self.backstage(),
        )

    def _source_of(self, vendor: Vendor) -> Callable[[Account, Http, Tokens], Source]:
        """How the vendor's accounts are collected in this installation, as it is set when a source is made."""
        configure = vendor.configure
        if configure is None:
            return vendor.source

        def source(account: Account, http: Http, tokens: Tokens) -> Source:
            return configure(self.meanings.sections[vendor.name], self.settings.catalogue)(account, http, tokens)

        configure(self.settings.section(vendor.name), self.settings.catalogue)  # which raises where it makes no sense
        return source

    def backstage(self) -> Backstage:
        """What the pages may use of this hub."""
        from margelle.cli.connections import HubConnections
        from margelle.cli.installation import HubInstallation
        from margelle.cli.showroom import Showroom

        return Backstage(
            self.standing(),
            HubConnections(self),
            self.meanings,
            HubInstallation(self.settings),
            Showroom(list(self.vendors.values()), self.clock),
        )

    def size_bytes(self) -> int:
        """What the store takes on the disk, with its log; 0 where it is no file of this machine."""
        path = file_of(self.settings.store_url)
        files = path.parent.glob(f"{path.name}*") if path is not None else ()
        return sum(file.stat().st_size for file in files)

    async def close(self) -> None:
        """Let go of connections and of the database."""
        for keeper in self._keepers.values():
            await keeper.close()
        for http in self._https.values():
            await http.close()
        await self.store.close()


@asynccontextmanager
async def opened(
    settings: Settings, clock: Clock = utc_now, pace: Sequence[Rate] | None = None, *, only_reads: bool = False
) -> AsyncIterator[House]:
    """The installation that `settings` describe, closed at the end. Who `only_reads` does with a store that cannot be written."""
    house = House(settings, open_kept(settings, only_reads=only_reads), clock, pace)
    try:
        house.mark = await _mark(house)
        await house.meanings.refresh()
        yield house
    finally:
        await house.close()


def open_kept(settings: Settings, *, only_reads: bool = False) -> Store:
    """The store, with the vault of the key file; perhaps one that cannot be written, for who `only_reads`."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The data folder {settings.data_dir} cannot be used: {error.strerror}.",
            hint="Choose a folder that is yours, with --set data_dir=... or MARGELLE_DATA_DIR.",
        ) from error
    return open_store(settings.store_url, Vault.open(settings.key_file), only_reads=only_reads)


def budget_file(settings: Settings) -> Path:
    """Where requests are counted: beside the store, wherever the data folder is, so that whoever shares the one shares the other."""
    kept = file_of(settings.store_url)
    return (settings.data_dir if kept is None else kept.resolve().parent) / "budget.sqlite"


async def _mark(house: House) -> str:
    """What the hub with this store is known by, made once; none where that cannot be kept.

    A store that has none yet is new: by which rules it judges is noted before anything is kept, by whatever command.
    """
    known = await house.store.memo(_MARK)
    if known is None:
        known = secrets.token_hex(8).encode()
        try:
            await house.reviewer().progress()
            await house.store.put_memo(_MARK, known)
        except StoreError:
            return ""
    return known.decode("ascii", "replace")


def _pace(vendor: Vendor, settings: Settings, pace: Sequence[Rate] | None) -> tuple[Rate, ...]:
    own = vendor.pace if pace is None else tuple(pace)
    hourly = settings["collect.requests_per_hour"]
    if not hourly:
        return own
    return (*(rate for rate in own if rate.seconds < _HOUR_S), Rate(hourly, _HOUR_S))
