"""Speak Binance's USD-M futures: linear perpetual swaps.

Requests are those of spot. A change names the last id of the change before (``pu``), and its own first id
does not follow that one. Each address serves its own streams. Manual: USDⓈ-M Futures.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.candles import VenueCandle, VenueTrade
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import perpetual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.protocols.binance import wire
from twap_server.venue.protocols.binance.socket import BinanceSession
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.session import VenueSession
from twap_server.venue.source import BookEvent, Pair, Spec, TickerEvent, TradeEvent

_PUBLIC = re.compile("(depth(5|10|20)?|bookTicker|trade)(@.*)?")
_DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)
_USUAL_DEPTH, _USUAL_ROWS, _MOST_ROWS = 500, 500, 1_500
_ERRORS = {
    "symbol": (-1121, "Invalid symbol."),
    "interval": (-1120, "Invalid interval."),
    "limit": (-4021, "'limit' is not valid depth limit."),
}


class BinanceUsdmSession(BinanceSession):
    """One connection to ``/public``: books, best prices and single trades."""

    venue = "binance-usdm"
    messages_a_second = 10
    fast = ("depth@100ms", "depth@0ms")
    slow_ns = 250_000_000
    notice = VenueSession.notice  # nothing is said before a planned close

    def serves(self, kind: str) -> bool:
        """Candles and summed trades have another address."""
        return _PUBLIC.fullmatch(kind) is not None

    def write_change(self, event: BookEvent, spec: Spec) -> str:
        """Write a change; ids between the one before and its own first were nobody's."""
        told = self._head("depthUpdate", event.time) | {
            "s": event.symbol,
            "U": min(event.first_id + 1, event.last_id),
            "u": event.last_id,
            "pu": event.first_id - 1,
        }
        sides = {"b": _levels(event.bids, spec), "a": _levels(event.asks, spec)}
        return text.compact(told | sides)

    def write_best(self, event: BookEvent, pair: Pair, depth: int) -> str:
        """Write the best levels in the shape of a change."""
        bids, asks = (tuple(side.top(depth)) for side in (pair.book.bids, pair.book.asks))
        return self.write_change(replace(event, bids=bids, asks=asks), pair.spec)

    def write_trade(self, event: TradeEvent, made: VenueTrade, spec: Spec) -> str:
        """Write one trade."""
        told = {
            "s": spec.symbol,
            "t": made.id,
            "p": figures.price(made.price, spec),
            "q": figures.quantity(made.qty),
            "X": "MARKET",
            "m": not made.taker_buys,
        }
        return text.compact(self._head("trade", made.time) | told)

    def write_ticker(self, event: TickerEvent, spec: Spec) -> str:
        """Write the best prices."""
        (bid, ask) = (_levels([level], spec)[0] for level in (event.bid, event.ask))
        told = {"u": event.update_id, "s": event.symbol, "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
        return text.compact(self._head("bookTicker", event.time) | told)

    def _head(self, kind: str, time: int) -> dict[str, Any]:
        return {"e": kind, "E": time // MILLISECOND, "T": time // MILLISECOND}


def _levels(side: Any, spec: Spec) -> list[list[str]]:
    return [[figures.price(at, spec), figures.quantity(there)] for at, there in side]


class BinanceUsdmRest(VenueRest):
    """Answers under ``/fapi/v1``; refusals have a code and status 400."""

    venue = "binance-usdm"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/fapi/v1/exchangeInfo": self._info,
            "/fapi/v1/klines": self._candles,
            "/fapi/v1/depth": self._book,
            "/fapi/v1/time": lambda asked: {"serverTime": self.now_ms()},
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a parameter is wrong."""
        code, words = _ERRORS.get(field, (-1102, f"Mandatory parameter '{field}' was not sent or malformed."))
        return RestRefusal(400, {"code": code, "msg": words})

    def _info(self, asked: AskedFields) -> Any:
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2_400}]
        told = {"timezone": "UTC", "serverTime": self.now_ms(), "rateLimits": limits}
        return told | {"symbols": [_entry(pair.spec) for pair in self.pairs()]}

    def _candles(self, asked: AskedFields) -> Any:
        pair, interval = self.pair(asked, "symbol"), wire.INTERVALS.get(asked.text("interval"))
        if interval is None:
            raise self.refusal("interval")
        rows = self.candles(
            pair,
            interval,
            start_ms=asked.optional("startTime"),
            end_ms=asked.optional("endTime"),
            limit=min(asked.integer("limit", _USUAL_ROWS), _MOST_ROWS),
        )
        return [_row(one, pair.spec, end_ms=interval.next(one.open_ms) - 1) for one in rows]

    def _book(self, asked: AskedFields) -> Any:
        pair, limit = self.pair(asked, "symbol"), asked.integer("limit", _USUAL_DEPTH)
        if limit not in _DEPTHS:
            raise self.refusal("limit")
        sides = (("bids", pair.book.bids), ("asks", pair.book.asks))
        told = {"lastUpdateId": pair.last_id, "E": self.now_ms(), "T": self.now_ms()}
        return told | {name: _levels(side.top(limit), pair.spec) for name, side in sides}


def _entry(spec: Spec) -> dict[str, Any]:
    tick, step, least = figures.price(1, spec), figures.quantity(spec.step), figures.quantity(spec.min_qty)
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": spec.price_decimals,
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": least, "maxQty": "1000", "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": least, "maxQty": "120", "stepSize": step},
            {"filterType": "MIN_NOTIONAL", "notional": spec.min_notional},
        ],
    }


def _row(candle: VenueCandle, spec: Spec, *, end_ms: int) -> list[int | str]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [
        candle.open_ms,
        *(figures.price(one, spec) for one in prices),
        figures.quantity(candle.volume),
        end_ms,
        figures.worth(candle.quote, spec),
        candle.count,
        figures.quantity(candle.taker_volume),
        figures.worth(candle.taker_quote, spec),
        "0",
    ]


PROTOCOL = VenueProtocol(
    name="binance-usdm",
    session=BinanceUsdmSession,
    sockets=("/public/ws", "/public/ws/{streams:path}", "/public/stream"),
    ws_base="/public",
    rest=lambda source, clock: BinanceUsdmRest(source, clock).routes(),
    specs=lambda base, quote: (perpetual(base + quote, base, quote),),
)
