"""Translate for Kraken Spot, WebSocket v2."""
