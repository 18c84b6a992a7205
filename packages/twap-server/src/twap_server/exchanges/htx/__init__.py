"""Translate for HTX (spot)."""
