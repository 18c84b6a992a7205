"""Translate for Bitfinex spot, WebSocket v2."""
