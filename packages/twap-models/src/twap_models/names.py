"""Name exchanges and markets as people write them: ``GDAX``, ``ccxt:upbit``, ``binance:BTC-USDT``."""

from typing import Final

CCXT: Final = "ccxt"
"""Exchanges that are collected through ccxt: ``ccxt-upbit``, written ``ccxt:upbit`` too."""
EXCHANGE_ALIASES: Final = {"coinbasepro": "coinbase", "gdax": "coinbase"}
"""Second names of exchanges."""


def exchange_name(spelling: str) -> str:
    """The canonical name of an exchange."""
    name = spelling.lower()
    if name.startswith(f"{CCXT}:"):
        name = name.replace(":", "-", 1)
    return EXCHANGE_ALIASES.get(name, name)


def split_market(name: str) -> tuple[str, str, str]:
    """Split ``exchange:…`` behind the exchange, which may hold a colon itself: exchange, colon, the rest."""
    prefix, colon, rest = name.partition(":")
    if prefix.lower() != CCXT or not colon:
        return prefix, colon, rest
    own, colon, rest = rest.partition(":")
    return f"{prefix}:{own}", colon, rest
