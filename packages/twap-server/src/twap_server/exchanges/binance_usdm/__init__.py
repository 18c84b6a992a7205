"""Binance USD-M futures: linear perpetual swaps."""
