"""Translate for Bitstamp (spot)."""
