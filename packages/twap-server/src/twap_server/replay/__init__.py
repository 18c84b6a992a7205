"""A recording in place of the exchange, and virtual time in place of the clock: the rest is the live code."""
