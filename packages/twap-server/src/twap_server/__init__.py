"""Collect crypto order books, standardise them and execute TWAP orders against them on paper."""
