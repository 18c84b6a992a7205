"""A TWAP order: what is asked for, what is accepted, its schedule and its record."""
