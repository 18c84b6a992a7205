"""Write Kraken's v2 messages and rows as text: trades, candles and instruments.

Prices and quantities are JSON numbers with all their places; a VWAP is cut to the price's places.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from twap_server.venue import text
from twap_server.venue.candles import CandleInterval, VenueCandle, VenueTrade
from twap_server.venue.candles import minutes as interval_of
from twap_server.venue.source import Pair, Spec

INTERVALS: dict[int, CandleInterval] = {
    count: interval_of(count) for count in (1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600)
}
"""Minutes of an interval; weeks and half months count from the epoch."""
_REST_ASSETS = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_CRYPTO = ("XBT", "ETH", "LTC", "XRP", "XDG", "XLM", "XMR", "ZEC", "ETC")
_FIAT = ("USD", "EUR", "GBP", "CAD", "JPY")


def price(value: int, spec: Spec) -> str:
    """Write a price at the instrument's precision."""
    return text.fixed(value, spec.price_decimals)


def rest_price(value: int, spec: Spec) -> str:
    """Write a price of REST's trades and books: at least five decimals."""
    return text.rescale(value, spec.price_decimals, wanted=max(5, spec.price_decimals))


def qty(value: int) -> str:
    """Write a quantity with eight decimals."""
    return text.fixed(value, text.QTY_DECIMALS)


def vwap(candle: VenueCandle, spec: Spec) -> str:
    """Write the mean price of a candle; its close when nothing was traded."""
    return price(candle.quote // candle.volume if candle.volume else candle.close, spec)


def trades(made: Iterable[VenueTrade], spec: Spec, *, kind: str) -> str:
    """Write a ``trade`` message."""
    rows = ",".join(
        f'{{"symbol":"{spec.symbol}","side":"{"buy" if trade.taker_buys else "sell"}",'
        f'"price":{price(trade.price, spec)},"qty":{qty(trade.qty)},"ord_type":"market",'
        f'"trade_id":{trade.id},"timestamp":"{text.iso_micros(trade.time)}"}}'
        for trade in made
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'


def ohlc(candles: Iterable[VenueCandle], spec: Spec, *, minutes: int, now: int, kind: str) -> str:
    """Write an ``ohlc`` message."""
    rows = ",".join(_ohlc_row(candle, spec, minutes) for candle in candles)
    return f'{{"channel":"ohlc","type":"{kind}","timestamp":"{text.iso_micros(now)}","data":[{rows}]}}'


def _ohlc_row(candle: VenueCandle, spec: Spec, minutes: int) -> str:
    begin = candle.open_ms * 10**6
    end = INTERVALS[minutes].next(candle.open_ms) * 10**6
    return (
        f'{{"symbol":"{spec.symbol}","open":{price(candle.open, spec)},"high":{price(candle.high, spec)},'
        f'"low":{price(candle.low, spec)},"close":{price(candle.close, spec)},"trades":{candle.count},'
        f'"volume":{qty(candle.volume)},"vwap":{vwap(candle, spec)},'
        f'"interval_begin":"{text.iso_micros(begin)}","interval":{minutes},'
        f'"timestamp":"{text.iso_micros(end)}"}}'
    )


def instrument_snapshot(pairs: Iterable[Pair]) -> str:
    """Write the ``instrument`` message: all assets and pairs."""
    specs = [pair.spec for pair in pairs]
    assets = dict.fromkeys(asset for spec in specs for asset in (spec.base, spec.quote))
    listed = ",".join(_pair(spec) for spec in specs)
    known = ",".join(_asset(asset) for asset in assets)
    return f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[{known}],"pairs":[{listed}]}}}}'


def _asset(name: str) -> str:
    asset = {"id": name, "status": "enabled", "precision": 10, "precision_display": 5, "borrowable": False}
    return json.dumps(asset, separators=(",", ":"))


def _pair(spec: Spec) -> str:
    return (
        f'{{"symbol":"{spec.symbol}","base":"{spec.base}","quote":"{spec.quote}","status":"online",'
        f'"qty_precision":{text.QTY_DECIMALS},"qty_increment":{qty(spec.step)},'
        f'"price_precision":{spec.price_decimals},"cost_precision":{spec.price_decimals + 4},'
        f'"marginable":false,"has_index":true,"cost_min":{spec.min_notional},'
        f'"price_increment":{price(1, spec)},"qty_min":{qty(spec.min_qty)}}}'
    )


def rest_asset(asset: str) -> str:
    """Give the name REST uses for an asset."""
    return _REST_ASSETS.get(asset, asset)


def altname(spec: Spec) -> str:
    """Give the name a REST query uses for a pair."""
    return rest_asset(spec.base) + rest_asset(spec.quote)


def rest_key(spec: Spec) -> str:
    """Give the key of a pair in REST results: old pairs carry letters for their classes."""
    base, quote = rest_asset(spec.base), rest_asset(spec.quote)
    old = base in _OLD_CRYPTO and quote in _FIAT
    return f"X{base}Z{quote}" if old else base + quote


def asset_pair(spec: Spec) -> dict[str, Any]:
    """Describe an instrument as ``AssetPairs`` does."""
    base, quote = rest_asset(spec.base), rest_asset(spec.quote)
    return {
        "altname": altname(spec),
        "wsname": f"{base}/{quote}",
        "aclass_base": "currency",
        "base": f"X{base}" if base in _OLD_CRYPTO else base,
        "aclass_quote": "currency",
        "quote": f"Z{quote}" if quote in _FIAT else quote,
        "lot": "unit",
        "cost_decimals": spec.price_decimals + 4,
        "pair_decimals": spec.price_decimals,
        "lot_decimals": text.QTY_DECIMALS,
        "lot_multiplier": 1,
        "fees": [[0, 0.4], [10_000, 0.35]],
        "fees_maker": [[0, 0.25], [10_000, 0.2]],
        "ordermin": text.trimmed(spec.min_qty, text.QTY_DECIMALS),
        "costmin": spec.min_notional,
        "tick_size": price(1, spec),
        "status": "online",
    }


def ohlc_row(candle: VenueCandle, spec: Spec) -> list[int | str]:
    """Give the eight items of a REST candle."""
    return [
        candle.open_ms // 1_000,
        price(candle.open, spec),
        price(candle.high, spec),
        price(candle.low, spec),
        price(candle.close, spec),
        vwap(candle, spec),
        qty(candle.volume),
        candle.count,
    ]


def trade_row(trade: VenueTrade, spec: Spec) -> str:
    """Write the seven items of a REST trade; its time is a JSON number."""
    side = "b" if trade.taker_buys else "s"
    seconds = f"{Decimal(trade.time // 1_000).scaleb(-6):f}"
    return f'["{rest_price(trade.price, spec)}","{qty(trade.qty)}",{seconds},"{side}","m","",{trade.id}]'
