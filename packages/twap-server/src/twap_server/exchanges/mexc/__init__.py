"""Translate for MEXC (spot)."""
