"""Listens. All traffic to exchanges; ``market.MarketData`` is what others see of it."""
