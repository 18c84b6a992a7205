"""Speak Gemini's WebSocket of 2026 and its REST: spot.

Where the address asks for it, the whole book comes before the acknowledgement, and looks like a change whose
two numbers are the same; each change names the number before it. One bad stream refuses all of a request.
Manuals: WebSocket API (introduction, streams), REST API.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from twap_server.venue import figures, text
from twap_server.venue.candles import CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.instruments import with_dollars
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_WIDTHS: dict[str, tuple[CandleInterval, int]] = {
    "1m": (minutes(1), 1_440),
    "5m": (minutes(5), 2_015),
    "15m": (minutes(15), 1_343),
    "30m": (minutes(30), 1_439),
    "1hr": (minutes(60), 1_463),
    "6hr": (minutes(360), 367),
    "1day": (CandleInterval(86_400_000, 4 * 3_600_000), 364),
}
"""And how many rows of each are given, whatever is asked."""
_NONE = 0
_BEST_LEVELS = {f"depth{count}@100ms": count for count in (5, 10, 20)}
_FINE, _BAD_REQUEST = 200, 400


class GeminiSession(TopicSession):
    """One connection to the public streams."""

    venue = "gemini"
    every_ms = 100

    def prepare(self) -> None:
        """Read in the address how many levels a book begins with; all by a number below 0."""
        super().prepare()
        asked = self._socket.query_params.get("snapshot", "")
        self._first_levels = int(asked) if asked.removeprefix("-").isdecimal() else _NONE

    def request(self, message: Any) -> None:
        """Answer ``subscribe``, ``unsubscribe``, ``list_subscriptions`` and ``ping``."""
        fields = message if isinstance(message, dict) else {}
        method, params = str(fields.get("method", "")).lower(), fields.get("params")
        names = [str(one) for one in params] if isinstance(params, list) else []
        if method in ("ping", "list_subscriptions"):
            self._answer(fields)
        elif method not in ("subscribe", "unsubscribe") or not names:
            self._fail(fields, f"Invalid method: {method}")
        else:
            topics = {name: self._topic(name) for name in names}
            wrong = next((name for name, topic in topics.items() if topic is None), None)
            if wrong is not None:
                self._fail(fields, f"Invalid stream name: {wrong}")
                return
            for topic in topics.values():
                if topic is not None and method == "subscribe":
                    self.join(topic)
                elif topic is not None:
                    self.leave(topic)
            self._answer(fields)

    def _topic(self, name: str) -> Topic | None:
        symbol, _, stream = name.partition("@")
        if self.pair(symbol) is None:
            return None
        if stream in ("depth", "depth@100ms"):
            return Topic("changes" if self._first_levels == _NONE else "book", symbol, stream)
        if stream in _BEST_LEVELS:
            return Topic("whole", symbol, stream, _BEST_LEVELS[stream])
        kinds = {"trade": Topic("trades", symbol, stream), "bookTicker": Topic("ticker", symbol, stream)}
        return kinds.get(stream)

    def _answer(self, fields: Mapping[str, Any]) -> None:
        self.tell({"id": fields.get("id"), "status": _FINE})

    def _fail(self, fields: Mapping[str, Any], words: str) -> None:
        error = {"code": -1013, "msg": words}
        self.tell({"id": fields.get("id"), "status": _BAD_REQUEST, "error": error})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, or a change: only the numbers differ. The best levels by themselves have one number."""
        if topic.kind == "whole":
            sides = {"bids": _levels(told.bids, pair.spec), "asks": _levels(told.asks, pair.spec)}
            yield text.compact({"lastUpdateId": told.last_id, "symbol": topic.symbol} | sides)
            return
        cut = self._first_levels if told.is_whole and self._first_levels > _NONE else None
        data = {
            "e": "depthUpdate",
            "E": told.time,
            "s": topic.symbol,
            "U": told.last_id if told.is_whole else told.previous_id,
            "u": told.last_id,
            "b": _levels(told.bids[:cut], pair.spec),
            "a": _levels(told.asks[:cut], pair.spec),
        }
        yield text.compact(data)

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """One message a trade."""
        for one in made:
            data = {
                "E": one.time,
                "s": topic.symbol,
                "t": one.id,
                "p": figures.price(one.price, pair.spec),
                "q": text.fixed(one.qty, text.QTY_DECIMALS),
                "m": not one.taker_buys,
            }
            yield text.compact(data)

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices."""
        data = {
            "u": event.update_id,
            "E": event.time,
            "s": topic.symbol,
            "b": figures.price(event.bid[0], pair.spec),
            "B": text.fixed(event.bid[1], text.QTY_DECIMALS),
            "a": figures.price(event.ask[0], pair.spec),
            "A": text.fixed(event.ask[1], text.QTY_DECIMALS),
        }
        yield text.compact(data)


def _levels(side: Sequence[tuple[int, int]], spec: Spec) -> list[list[str]]:
    return [[figures.price(at, spec), text.fixed(there, text.QTY_DECIMALS)] for at, there in side]


class GeminiRest(VenueRest):
    """Answers under ``/v1`` and ``/v2``; refusals have a reason and a status. Some numbers are no texts."""

    venue = "gemini"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/v1/symbols": lambda asked: [one.spec.symbol for one in self.pairs()],
            "/v1/symbols/details/all": lambda asked: msgspec.json.encode(
                [_details(one.spec) for one in self.pairs()]
            ),
            "/v1/symbols/details/{symbol}": lambda asked: msgspec.json.encode(
                _details(self.pair(asked, "symbol").spec)
            ),
            "/v2/candles/{symbol}/{width}": self._candles,
            "/v1/book/{symbol}": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a market is unknown, or a parameter wrong."""
        reason = "InvalidSymbol" if field == "symbol" else "InvalidParameterValue"
        return RestRefusal(400, {"result": "error", "reason": reason, "message": f"Supplied value: {field}"})

    def _candles(self, asked: AskedFields) -> Any:
        pair, width = self.pair(asked, "symbol"), _WIDTHS.get(asked.text("width"))
        if width is None:
            raise self.refusal("time_frame")
        interval, count = width
        rows = [_row(one, pair.spec) for one in reversed(self.candles(pair, interval, limit=count))]
        return msgspec.json.encode(rows)

    def _book(self, asked: AskedFields) -> Any:
        pair = self.pair(asked, "symbol")
        limits = {"bids": asked.integer("limit_bids", 50), "asks": asked.integer("limit_asks", 50)}
        sides = (("bids", pair.book.bids), ("asks", pair.book.asks))
        return {
            name: [
                {"price": price, "amount": amount, "timestamp": str(self.now_ms() // 1_000)}
                for price, amount in _levels(side.top(limits[name] or len(side.levels)), pair.spec)
            ]
            for name, side in sides
        }


def _details(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol.upper(),
        "base_currency": spec.base,
        "quote_currency": spec.quote,
        "tick_size": Raw(figures.quantity(spec.step).encode()),
        "quote_increment": Raw(figures.price(1, spec).encode()),
        "min_order_size": figures.quantity(spec.min_qty),
        "status": "open",
        "wrap_enabled": False,
        "product_type": "spot",
    }


def _row(candle: VenueCandle, spec: Spec) -> list[int | Raw]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    figures_ = (*(figures.short(one, spec) for one in prices), figures.quantity(candle.volume))
    return [candle.open_ms, *(Raw(one.encode()) for one in figures_)]


PROTOCOL = VenueProtocol(
    name="gemini",
    session=GeminiSession,
    sockets=("/",),
    ws_base="/",
    rest=lambda source, clock: GeminiRest(source, clock).routes(),
    specs=lambda base, quote: with_dollars(base, quote, join=lambda one, other: (one + other).lower()),
)
