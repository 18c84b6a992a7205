"""Shows: HTTP and WebSocket. The only stage that speaks the wire models."""
