"""The store as Prometheus would answer for it: its read API, for Grafana and whatever else asks in PromQL."""

from typing import Final

PREFIX: Final = "/prometheus"
"""Below which it is; a client is told this address as that of its Prometheus server."""
