"""Remembers. The live market: one book per instrument, and how far to trust it."""
