"""Coinbase Exchange (spot)."""
