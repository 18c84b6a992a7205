"""Everything around a request: bounds, problems, documentation, metrics."""
