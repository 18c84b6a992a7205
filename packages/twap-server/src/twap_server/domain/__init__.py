"""Decide. No I/O, no async, no clock, no framework: time, randomness and books are passed in."""
