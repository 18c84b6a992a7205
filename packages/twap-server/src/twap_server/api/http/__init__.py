"""Handle what surrounds a request: limits, problem documents, documentation, metrics."""
