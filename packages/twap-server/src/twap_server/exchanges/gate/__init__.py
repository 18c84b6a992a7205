"""Translate for Gate (spot)."""
