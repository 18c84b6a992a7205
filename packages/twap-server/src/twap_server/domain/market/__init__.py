"""The market as readers see it: books, levels, trades, candles, instruments and their names."""
