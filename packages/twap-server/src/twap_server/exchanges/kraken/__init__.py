"""Kraken Spot, WebSocket v2."""
