"""Describe the market: books, levels, trades, candles, instruments and their names."""
