"""Speak Coinbase's Advanced Trade: spot.

All messages of a connection are numbered in one row, of whatever channel; errors are not. A book comes whole,
before its acknowledgement, which lists all that is subscribed. A trade tells the maker's side. Manuals:
Advanced Trade WebSocket, Advanced Trade REST (public market data).
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.book import Level
from twap_server.venue.candles import CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec
from twap_server.venue.topics import EVERY_LEVEL, Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_INTERVALS: dict[str, CandleInterval] = {
    "ONE_MINUTE": minutes(1),
    "FIVE_MINUTE": minutes(5),
    "FIFTEEN_MINUTE": minutes(15),
    "THIRTY_MINUTE": minutes(30),
    "ONE_HOUR": minutes(60),
    "TWO_HOUR": minutes(120),
    "FOUR_HOUR": minutes(240),
    "SIX_HOUR": minutes(360),
    "ONE_DAY": minutes(1_440),
}
_CHANNELS: dict[str, Kind] = {"level2": "book", "market_trades": "trades", "candles": "other"}
_HEARTBEATS = Topic("other", "", "heartbeats")
_MOST_BOOKS, _MOST_ROWS = 30, 350
_EPOCH = "1970-01-01T00:00:00Z"
_MARKET = "/api/v3/brokerage/market"


class CoinbaseSession(TopicSession):
    """One connection to the public stream."""

    venue = "coinbase"
    idle_s = 5
    beat_s = 1

    def prepare(self) -> None:
        """Begin to count."""
        super().prepare()
        self._numbers = itertools.count()
        self._beats = itertools.count(1)

    def beat(self) -> None:
        """Send a heartbeat to a client that asked for them."""
        if _HEARTBEATS in self._topics:
            told = {"current_time": f"{self._now()} +0000 UTC m=+1.0", "heartbeat_counter": next(self._beats)}
            self.say(self._numbered("heartbeats", [told], self._clock.now()), "control")

    def request(self, message: Any) -> None:
        """Answer ``subscribe`` and ``unsubscribe``: one channel a request."""
        fields = message if isinstance(message, dict) else {}
        kind, channel = fields.get("type"), str(fields.get("channel"))
        named = fields.get("product_ids")
        products = [str(one) for one in named] if isinstance(named, list) else []
        wrong = next((one for one in products if self.pair(one) is None), None)
        if kind not in ("subscribe", "unsubscribe"):
            self._fail("invalid message type")
        elif channel == _HEARTBEATS.channel:
            self._change(kind, [_HEARTBEATS])
        elif channel not in _CHANNELS:
            self._fail(f"invalid channel: {channel}")
        elif wrong is not None:
            self._fail(f"invalid product_id: {wrong}")
        elif kind == "unsubscribe" and not products:
            self._change(kind, [one for one in self._topics if one.channel == channel])
        else:
            self._change(kind, [Topic(_CHANNELS[channel], one, channel) for one in products])

    def _change(self, kind: str, topics: Sequence[Topic]) -> None:
        wanted = {one for one in (*self._topics, *topics) if one.kind == "book"}
        if kind == "subscribe" and len(wanted) > _MOST_BOOKS:
            self._fail("too many L2 streams requested in a single session")
            return
        for topic in topics:
            if kind == "subscribe":
                self.join(topic)
            else:
                self.leave(topic)
        listed: dict[str, list[str]] = {}
        for topic in self._topics:
            listed.setdefault(topic.channel, []).append(topic.symbol or topic.channel)
        told = self._numbered("subscriptions", [{"subscriptions": listed}], self._clock.now())
        self.say(told, "control")

    def _fail(self, words: str) -> None:
        self.tell({"type": "error", "message": words})

    def _now(self) -> str:
        return text.iso_micros(self._clock.now()).replace("T", " ").rstrip("Z")

    def _numbered(self, channel: str, events: Sequence[object], time: int) -> str:
        told = {"channel": channel, "timestamp": text.iso_micros(time), "sequence_num": next(self._numbers)}
        return text.compact(told | {"events": events})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, or those that changed."""
        kind, at = ("snapshot", _EPOCH) if told.is_whole else ("update", text.iso_micros(told.time))
        sides = (("bid", told.bids), ("offer", told.asks))
        updates = [one for name, side in sides for one in _updates(name, side, pair.spec, at=at)]
        event = {"type": kind, "product_id": topic.symbol, "updates": updates}
        yield self._numbered("l2_data", [event], told.time)

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """The trades of an order in one message."""
        yield self._trades("update", made, pair)

    def recent_trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """The newest trades, newest first."""
        yield self._trades("snapshot", made[::-1], pair)

    def _trades(self, kind: str, made: Sequence[VenueTrade], pair: Pair) -> str:
        listed = [
            {
                "trade_id": str(one.id),
                "product_id": pair.spec.symbol,
                "price": figures.price(one.price, pair.spec),
                "size": figures.quantity(one.qty),
                "side": "SELL" if one.taker_buys else "BUY",
                "time": text.iso_micros(one.time),
            }
            for one in made
        ]
        return self._numbered("market_trades", [{"type": kind, "trades": listed}], self._clock.now())


def _updates(side: str, levels: Iterable[Level], spec: Spec, *, at: str) -> list[dict[str, str]]:
    return [
        {
            "side": side,
            "event_time": at,
            "price_level": figures.price(price, spec),
            "new_quantity": figures.quantity(there),
        }
        for price, there in levels
    ]


class CoinbaseRest(VenueRest):
    """Answers under ``/api/v3/brokerage``; refusals have a name and a status."""

    venue = "coinbase"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            f"{_MARKET}/products": self._products,
            f"{_MARKET}/products/{{product_id}}/candles": self._candles,
            f"{_MARKET}/product_book": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a product is unknown, or a parameter wrong."""
        if field == "product_id":
            words = "Product not found"
            return RestRefusal(404, {"error": "NOT_FOUND", "code": 5, "message": words, "details": []})
        words = f"Invalid {field}"
        return RestRefusal(400, {"error": "INVALID_ARGUMENT", "code": 3, "message": words, "details": []})

    def _products(self, asked: AskedFields) -> Any:
        pairs = self.pairs() if asked.text("product_type", "SPOT") == "SPOT" else []
        return {"products": [_entry(pair) for pair in pairs], "num_products": len(pairs)}

    def _candles(self, asked: AskedFields) -> Any:
        pair, interval = self.pair(asked, "product_id"), _INTERVALS.get(asked.text("granularity"))
        if interval is None:
            raise self.refusal("granularity")
        start, end = asked.integer("start") * 1_000, asked.integer("end") * 1_000
        limit = asked.integer("limit", _MOST_ROWS)
        if limit > _MOST_ROWS or end - start > _MOST_ROWS * interval.length_ms:
            raise self.refusal("limit")
        rows = self.candles(pair, interval, end_ms=end, limit=limit)
        return {"candles": [_row(one, pair.spec) for one in reversed(rows) if one.open_ms >= start]}

    def _book(self, asked: AskedFields) -> Any:
        pair, limit = self.pair(asked, "product_id"), asked.integer("limit", EVERY_LEVEL)
        told: dict[str, Any] = {"product_id": pair.spec.symbol}
        for name, side in (("bids", pair.book.bids), ("asks", pair.book.asks)):
            pairs = figures.levels(side.top(limit), pair.spec)
            told[name] = [{"price": price, "size": size} for price, size in pairs]
        return {"pricebook": told | {"time": text.iso_micros(self._clock.now())}}


def _entry(pair: Pair) -> dict[str, Any]:
    spec, tick = pair.spec, figures.price(1, pair.spec)
    flags = ("is_disabled", "trading_disabled", "cancel_only", "limit_only", "post_only", "auction_mode")
    return {
        "product_id": spec.symbol,
        "price": figures.price(figures.last_price(pair), spec),
        "base_increment": figures.quantity(spec.step),
        "quote_increment": tick,
        "price_increment": tick,
        "base_min_size": figures.quantity(spec.min_qty),
        "base_max_size": "3400",
        "quote_min_size": spec.min_notional,
        "quote_max_size": "150000000",
        "base_currency_id": spec.base,
        "quote_currency_id": spec.quote,
        "base_display_symbol": spec.base,
        "quote_display_symbol": spec.quote,
        "status": "online",
        "product_type": "SPOT",
        "view_only": False,
        **dict.fromkeys(flags, False),
        "alias": "",
        "alias_to": [],
    }


def _row(candle: VenueCandle, spec: Spec) -> dict[str, str]:
    names = ("low", "high", "open", "close")
    prices = {name: figures.short(getattr(candle, name), spec) for name in names}
    return {"start": str(candle.open_ms // 1_000)} | prices | {"volume": figures.quantity(candle.volume)}


PROTOCOL = VenueProtocol(
    name="coinbase",
    session=CoinbaseSession,
    sockets=("/ws",),
    ws_base="/ws",
    rest=lambda source, clock: CoinbaseRest(source, clock).routes(),
    specs=lambda base, quote: (usual(f"{base}-{quote}", base, quote),),
)
