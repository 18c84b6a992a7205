"""Translate for OKX (spot)."""
