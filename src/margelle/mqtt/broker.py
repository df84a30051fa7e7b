"""The broker, and how it is reached."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from margelle.errors import ConfigError

_PORTS = {"mqtt": 1883, "mqtts": 8883}


class Broker(Struct, frozen=True):
    """Where a broker is, and as whom the hub signs in. `client_id` names the hub to it, which keeps messages for that name while the hub is away."""

    host: str
    port: int
    tls: bool = False
    login: str = ""
    password: str = ""
    client_id: str = "margelle"

    @classmethod
    def of(cls, url: str, login: str = "", password: str = "", client_id: str = "margelle") -> Broker:
        """The broker at `mqtt://host:port`, or `mqtts://` with TLS. Raises ConfigError."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ConfigError(
                "mqtt.url is no address of a broker.", hint="It is like mqtt://broker.example:1883, or mqtts://"
            )
        if parts.username is not None or parts.password is not None:
            raise ConfigError("mqtt.url has a login in it.", hint="Use mqtt.login and mqtt.password.")
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, port or _PORTS[parts.scheme], tls, login, password, client_id)
