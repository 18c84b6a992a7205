"""Translate for Binance Spot."""
