"""Speak the Kraken v2 protocol."""
