"""Translate for Bybit (spot)."""
