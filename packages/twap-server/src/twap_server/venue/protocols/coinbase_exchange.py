"""Speak Coinbase's older feed, Exchange: spot.

Nothing numbers the messages of a book. The acknowledgement lists all that is subscribed, and calls the book's
channel by another name. One bad product refuses all. A trade tells the maker's side. Manuals: Exchange
WebSocket Feed, Exchange REST API.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.book import Level
from twap_server.venue.candles import VenueCandle, VenueTrade, minutes
from twap_server.venue.instruments import with_dollars
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec
from twap_server.venue.topics import EVERY_LEVEL, Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_CHANNELS: dict[str, Kind] = {"level2_batch": "book", "matches": "trades", "heartbeat": "other"}
_TOLD_AS = {"level2_batch": "level2_50"}
_CLOSED = ("level2", "level3", "full")
_NEEDS_KEY = (
    "level2, level3, and full channels now require authentication. See the documentation of channels."
)
_STEPS = {step: minutes(step // 60) for step in (60, 300, 900, 3_600, 21_600, 86_400)}
_MOST_ROWS = 300


class CoinbaseExchangeSession(TopicSession):
    """One connection to the public feed."""

    venue = "coinbase-exchange"
    idle_s = 5
    beat_s = 1

    def beat(self) -> None:
        """Send a heartbeat of each product that one was asked for."""
        for topic in self._topics:
            pair = self.pair(topic.symbol)
            if topic.channel == "heartbeat" and pair is not None:
                last = pair.trades[-1].id if pair.trades else 0
                named = {"product_id": topic.symbol, "time": text.iso_micros(self._clock.now())}
                self.tell({"type": "heartbeat", "sequence": pair.last_id, "last_trade_id": last} | named)

    def request(self, message: Any) -> None:
        """Answer ``subscribe`` and ``unsubscribe``: any channels of any products."""
        if not isinstance(message, dict):
            self._fail("Malformed JSON", "Malformed JSON")
            return
        kind, asked = message.get("type"), list(_asked(message))
        reason = next((reason for one in asked if (reason := self._wrong(*one))), "")
        if kind not in ("subscribe", "unsubscribe"):
            self._fail("Invalid message", f"type {kind} is unknown")
        elif not asked or reason:
            self._fail("Failed to subscribe", reason or "No channels provided")
        else:
            self._change(kind, [Topic(_CHANNELS[channel], product, channel) for channel, product in asked])

    def _wrong(self, channel: str, product: str) -> str:
        if channel in _CLOSED:
            return _NEEDS_KEY
        if channel not in _CHANNELS:
            return f"{channel} is not a valid channel"
        return f"{product} is not a valid product" if self.pair(product) is None else ""

    def _change(self, kind: str, topics: Sequence[Topic]) -> None:
        fresh = [one for one in topics if one not in self._topics]
        listed: dict[str, list[str]] = {}
        left = {} if kind == "subscribe" else dict.fromkeys(topics)
        for topic in dict.fromkeys((*self._topics, *topics)):
            if topic not in left:
                listed.setdefault(_TOLD_AS.get(topic.channel, topic.channel), []).append(topic.symbol)
        channels = [
            {"name": name, "product_ids": products, "account_ids": None} for name, products in listed.items()
        ]
        self.tell({"type": "subscriptions", "channels": channels})
        for topic in fresh if kind == "subscribe" else topics:
            if kind == "subscribe":
                self.join(topic)
            else:
                self.leave(topic)

    def _fail(self, words: str, reason: str) -> None:
        self.tell({"type": "error", "message": words, "reason": reason})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, or those that changed."""
        if told.is_whole:
            sides = {
                "bids": figures.padded(told.bids, pair.spec),
                "asks": figures.padded(told.asks, pair.spec),
            }
            yield text.compact({"type": "snapshot", "product_id": topic.symbol} | sides)
            return
        changes = [*_changes("buy", told.bids, pair.spec), *_changes("sell", told.asks, pair.spec)]
        named = {"product_id": topic.symbol, "changes": changes, "time": text.iso_micros(told.time)}
        yield text.compact({"type": "l2update"} | named)

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """One message a trade."""
        return [text.compact(_match("match", one, pair)) for one in made]

    def recent_trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """The last trade, under a name of its own."""
        return [text.compact(_match("last_match", one, pair)) for one in made[-1:]]


def _asked(message: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """List channels and products: a channel may name its own."""
    channels = message.get("channels")
    for channel in channels if isinstance(channels, list) else []:
        named = channel if isinstance(channel, dict) else {"name": channel}
        products = named.get("product_ids", message.get("product_ids"))
        for product in products if isinstance(products, list) else []:
            yield str(named.get("name")), str(product)


def _changes(side: str, levels: Iterable[Level], spec: Spec) -> list[list[str]]:
    return [[side, *one] for one in figures.padded(levels, spec)]


def _match(kind: str, made: VenueTrade, pair: Pair) -> dict[str, Any]:
    return {
        "type": kind,
        "trade_id": made.id,
        "maker_order_id": f"00000000-0000-4000-8000-{2 * made.id:012x}",
        "taker_order_id": f"00000000-0000-4000-8000-{2 * made.id + 1:012x}",
        "side": "sell" if made.taker_buys else "buy",
        "size": figures.quantity(made.qty),
        "price": figures.price(made.price, pair.spec),
        "product_id": pair.spec.symbol,
        "sequence": pair.last_id,
        "time": text.iso_micros(made.time),
    }


class CoinbaseExchangeRest(VenueRest):
    """Answers under ``/products``; refusals have a text and a status."""

    venue = "coinbase-exchange"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/products": lambda asked: [_entry(pair.spec) for pair in self.pairs()],
            "/products/{product_id}/candles": self._candles,
            "/products/{product_id}/book": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a product is unknown, or a parameter wrong."""
        if field == "product_id":
            return RestRefusal(404, {"message": "NotFound"})
        return RestRefusal(400, {"message": f"Unsupported {field}"})

    def _candles(self, asked: AskedFields) -> Any:
        """Rows of numbers; one of the times alone is ignored."""
        pair, interval = self.pair(asked, "product_id"), _STEPS.get(asked.integer("granularity", 60))
        if interval is None:
            raise self.refusal("granularity")
        start, end = asked.optional("start"), asked.optional("end")
        if start is None or end is None:
            rows = self.candles(pair, interval, limit=_MOST_ROWS)
        else:
            if (end - start) * 1_000 > _MOST_ROWS * interval.length_ms:
                words = "granularity too small for the requested time range. Count of aggregations"
                raise RestRefusal(400, {"message": f"{words} requested exceeds {_MOST_ROWS}"})
            found = self.candles(pair, interval, end_ms=end * 1_000, limit=_MOST_ROWS)
            rows = [one for one in found if one.open_ms >= start * 1_000]
        return f"[{','.join(_row(one, pair.spec) for one in reversed(rows))}]".encode()

    def _book(self, asked: AskedFields) -> Any:
        pair, depth = self.pair(asked, "product_id"), {1: 1, 2: EVERY_LEVEL}.get(asked.integer("level", 1))
        if depth is None:
            raise self.refusal("level")
        sides = (("bids", pair.book.bids), ("asks", pair.book.asks))
        told = {
            name: [[*one, 1] for one in figures.padded(side.top(depth), pair.spec)] for name, side in sides
        }
        named = {"sequence": pair.last_id, "auction_mode": False, "auction": None}
        return told | named | {"time": text.iso_micros(self._clock.now())}


def _entry(spec: Spec) -> dict[str, Any]:
    flags = ("margin_enabled", "post_only", "limit_only", "cancel_only", "trading_disabled", "auction_mode")
    return {
        "id": spec.symbol,
        "base_currency": spec.base,
        "quote_currency": spec.quote,
        "quote_increment": figures.price(1, spec),
        "base_increment": figures.quantity(spec.step),
        "display_name": spec.symbol,
        "min_market_funds": spec.min_notional,
        **dict.fromkeys(flags, False),
        "status": "online",
        "status_message": "",
    }


def _row(candle: VenueCandle, spec: Spec) -> str:
    prices = (candle.low, candle.high, candle.open, candle.close)
    written = ",".join(figures.short(one, spec) for one in prices)
    return f"[{candle.open_ms // 1_000},{written},{figures.quantity(candle.volume)}]"


PROTOCOL = VenueProtocol(
    name="coinbase-exchange",
    session=CoinbaseExchangeSession,
    sockets=("/ws",),
    ws_base="/ws",
    rest=lambda source, clock: CoinbaseExchangeRest(source, clock).routes(),
    specs=lambda base, quote: with_dollars(base, quote, join=lambda one, other: f"{one}-{other}"),
)
