"""Translate for OKX: spot and linear swaps."""
