"""Measurements of Margelle beside a peer, in one run: ratios count, absolute figures are those of one machine."""
