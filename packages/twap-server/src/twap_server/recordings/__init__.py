"""Reads what an exchange sent, for replay and for the simulated exchange: one format, one reader."""
