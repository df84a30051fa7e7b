"""The table of settings: every one there is, with type, default and sentence."""

from __future__ import annotations

from typing import Final

import msgspec

from margelle.domain.limits import REGIMES
from margelle.ports import Setting
from margelle.vendors import VENDORS

PREFIX: Final = "MARGELLE_"
OTHER_ENVIRONMENT: Final = {
    "MARGELLE_CONFIG": "The settings file, as `--config`.",
    "MARGELLE_DEMO_EMAIL": "The login of `margelle demo`.",
    "MARGELLE_DEMO_PASSWORD": "The password of `margelle demo`.",
}
"""Variables with our prefix that are no settings."""

CORE: Final[tuple[Setting, ...]] = (
    Setting("data_dir", str, "~/.local/share/margelle", "The folder that holds everything the hub keeps; `$XDG_DATA_HOME/margelle` where that is set."),
    Setting("store", str, "", "Where measurements are kept: a path, `sqlite:///path`, or `postgresql://login:password@host/database` ([how](postgresql.md)), whose password is never shown. Empty: `margelle.sqlite` in `data_dir`. Requests are counted in `budget.sqlite` beside it; with PostgreSQL, in `data_dir`."),
    Setting("key_file", str, "~/.config/margelle/key", "The key that encrypts vendor tokens; made at the first start. Keep it out of `data_dir` and back it up; `$XDG_CONFIG_HOME/margelle/key` where that is set."),
    Setting("host", str, "127.0.0.1", "The address that `serve` listens on; `0.0.0.0` lets your whole network in."),
    Setting("port", int, 8080, "The port that `serve` listens on; 0 takes any free one and prints it."),
    Setting("public_url", str, "", "Under which address browsers and clients reach the hub, if not `http://host:port`; behind a proxy, say."),
    Setting("trusted_proxies", list[str], [], "Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, such as `127.0.0.1`."),
    Setting("workers", int, 1, "How many processes answer. With more than one, another one collects, and all are renewed one after another by SIGHUP; see [deployment](deployment.md)."),
    Setting("shutdown.grace_s", float, 10.0, "How many seconds requests under way may take to end when the hub ends."),
    Setting("shutdown.delay_s", float, 0.0, "How many seconds `/readyz` says at the end of the hub that it ends, before nothing more is accepted: as long as a load balancer takes to notice."),
    Setting("title", str, "Margelle", "What the pages are called."),
    Setting("time_zone", str, "UTC", "The time zone in which pages show the sites whose own is not known, such as `Europe/Paris`: Ondilo tells none."),
    Setting("pages", bool, True, "Whether `serve` shows web pages besides the faces."),
    Setting("limits", str, "private", "Which limits hold where neither the owner nor the vendor has set any: those of a family's own pool, or those of collective use. See [limits](limits.md).", choices=REGIMES),
    Setting("log_level", str, "info", "How much is logged.", choices=("debug", "info", "warning", "error")),
    Setting("log_format", str, "text", "One line of text, or one JSON object, for each log record.", choices=("text", "json")),
    Setting("receipts_days", int, 30, "How many days the vendors' raw answers (without secrets) are kept. Measurements are kept for ever."),
    Setting("collect.enabled", bool, True, "Whether `serve` also collects; without, run `margelle collect` beside it."),
    Setting("collect.requests_per_hour", int, 0, "The most requests in an hour for each account; 0 stays as far below the vendor's quota as we think polite."),
    Setting("collect.timeout_s", float, 30.0, "How many seconds a vendor's cloud may take to answer."),
    Setting("collect.resolve", list[str], [], "How the collector finds the vendors' clouds where a hosts file sends their names to this hub: `9.9.9.9` asks that name server (`address:port` another port), `interop.ondilo.com=192.0.2.7` needs none."),
    Setting("mqtt.url", str, "", "The MQTT broker that the hub listens to: `mqtt://host:1883`, or `mqtts://host:8883` with TLS. Empty for none."),
    Setting("mqtt.login", str, "", "As whom the hub signs in at the broker. Empty: as nobody."),
    Setting("mqtt.password", str, "", "The password of `mqtt.login`.", secret=True),
    Setting("mqtt.client_id", str, "margelle", "The hub's name at the broker, which keeps messages for it while the hub is away. Two hubs at one broker need two names."),
    Setting("mqtt.topics", dict[str, str], {}, 'What each topic tells: `"pool/ph" = "own:garden-pool ph"`; with a unit and the place in a JSON object `"own:garden-pool temperature degF sensor.water"`, `-` for the quantity\'s own unit; a probe alone where a JSON object names the quantities. Several are parted by `;`.'),
    Setting("tls.port", int, 0, "The port on which `serve` also speaks TLS, with the certificate that `margelle tls init` makes; 0 for none. Clients that know only the vendor's host need 443."),
    Setting("tls.dir", str, "", "The folder of the certificate and its authority. Empty: `tls` in `data_dir`."),
    Setting("api.requests_per_minute", int, 600, "How many requests in a minute the hub's own API answers to each key or user; 0 for any number."),
    Setting("api.lookback_s", float, 7200.0, "How many seconds a measurement counts as present in PromQL; Prometheus itself has 300, but probes measure hourly."),
    Setting("api.intake_mib", int, 64, "How many MiB of measurements that are sent may be under way in each process. Beyond that senders are told to come back later."),
    Setting("api.origins", list[str], [], "Web sites whose scripts may call the hub's own API with a key, such as `https://dashboard.example.org`. None by default."),
    Setting("metrics", bool, False, "Whether `/metrics` tells whoever has an operator's key how the hub is, for Prometheus to scrape."),
    Setting("faces.quotas", bool, False, "Whether the faces enforce the vendors' documented request quotas on their clients."),
)  # fmt: skip

TABLE: Final[tuple[Setting, ...]] = CORE + tuple(
    msgspec.structs.replace(setting, name=f"{vendor.name}.{setting.name.removeprefix(vendor.name + '.')}")
    for vendor in VENDORS.values()
    for setting in vendor.settings
)
"""Every setting there is."""

BY_NAME: Final = {setting.name: setting for setting in TABLE}


def env_name(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.replace(".", "_").upper()
