"""Translate for KuCoin (spot)."""
