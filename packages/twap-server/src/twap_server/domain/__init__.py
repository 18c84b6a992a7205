"""Decides. No I/O, no async, no clock of its own, no framework: time, randomness and books are passed in."""
