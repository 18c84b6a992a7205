"""Carry out users' commands in batches."""
