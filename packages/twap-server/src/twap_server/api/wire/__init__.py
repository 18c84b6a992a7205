"""Translate between the domain and the wire models."""
