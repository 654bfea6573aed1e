"""Prices a night: one baseline is run for real, the rest is multiplied."""
