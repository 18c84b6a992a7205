"""Translate for Crypto.com Exchange (spot)."""
