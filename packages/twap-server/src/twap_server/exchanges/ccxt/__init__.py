"""Translate for every exchange that ccxt knows, through a process of its own that runs it (``bridge``)."""
