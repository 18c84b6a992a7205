"""Coinbase Advanced Trade: books whose connection is numbered, trades, candles."""
