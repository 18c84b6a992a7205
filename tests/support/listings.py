"""Lists of instruments as exchanges answer them, one good entry each."""

import json

from twap_server.exchanges.binance.adapter import BinanceExchange
from twap_server.exchanges.coinbase.adapter import CoinbaseExchange
from twap_server.exchanges.kraken.adapter import KrakenExchange

BINANCE = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002"},
        {"filterType": "NOTIONAL", "minNotional": "5"},
    ],
}


KRAKEN = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "pair_decimals": 1,
    "lot_decimals": 8,
    "tick_size": "0.1",
    "ordermin": "0.0001",
    "costmin": "0.5",
    "status": "online",
}


COINBASE = {
    "id": "BTC-USD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "quote_increment": "0.01",
    "base_increment": "0.00000001",
    "min_market_funds": "1",
    "status": "online",
}


def listing(name, entries):
    """An exchange, and its list of instruments with these entries."""
    match name:
        case "binance":
            return BinanceExchange(), {"timezone": "UTC", "symbols": entries}
        case "kraken":
            result = {f"PAIR{place}": entry for place, entry in enumerate(entries)}
            return KrakenExchange(), {"error": [], "result": result}
        case _:
            return CoinbaseExchange(), entries


def read(name, *entries):
    exchange, body = listing(name, entries)
    return exchange.parse_instruments(json.dumps(body).encode())


GOOD = {"binance": BINANCE, "kraken": KRAKEN, "coinbase": COINBASE}


GONE = object()
