"""Collecting: what to ask each account's cloud next, asking it, and never losing a reading. Names no vendor and no database."""
