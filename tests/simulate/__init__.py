"""Tests of the simulated water and the clouds that measure it."""
