"""Listens. All traffic to exchanges; ``market.MarketData`` is the door."""
