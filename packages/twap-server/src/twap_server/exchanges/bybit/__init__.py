"""Translate for Bybit: spot, and linear perpetual swaps, whose topics are called alike."""
