"""The Binance protocol as the venue speaks it."""
