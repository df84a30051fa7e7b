"""Tests of margelle.store."""
