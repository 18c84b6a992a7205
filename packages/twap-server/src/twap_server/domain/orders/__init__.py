"""Describe a TWAP order: request, accepted terms, schedule and record."""
