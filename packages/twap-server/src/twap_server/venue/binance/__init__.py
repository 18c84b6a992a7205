"""Speak the Binance protocol."""
