"""Translate for Binance: spot, and USD-M futures, which speak nearly the same."""
