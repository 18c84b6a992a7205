"""Tournaments over one recorded market, each measured in a process of its own."""
