"""Serve HTTP and WebSocket. The only stage that uses the wire models."""
