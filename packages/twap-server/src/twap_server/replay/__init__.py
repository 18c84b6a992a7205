"""Replay recordings: a recording replaces the exchange, virtual time the clock; the rest is the live code."""
