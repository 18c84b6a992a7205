"""Serve the WebSocket stream: framing, subscriptions, books and order events."""
