"""Translate for Coinbase Advanced Trade (spot)."""
