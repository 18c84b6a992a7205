"""Translate for Coinbase Exchange (spot)."""
