"""Translate for Bitget (spot)."""
