"""Collects crypto order books, standardises them and executes TWAP orders against them on paper."""
