"""Check whether an exchange's own TWAP would take an order."""
