"""Believable water, and the vendors' clouds on this machine that measure it."""
