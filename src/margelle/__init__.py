"""Margelle: a self-hosted home for water measurements."""

__version__ = "0.1.0"
