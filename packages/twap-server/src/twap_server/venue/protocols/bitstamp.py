"""Speak Bitstamp's WebSocket v2 and its REST: spot.

Each message of ``order_book_…`` is the whole book; nothing is numbered, and nothing comes before the first
change. Manuals: WebSocket API v2, HTTP API v2.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.candles import VenueCandle, VenueTrade, minutes
from twap_server.venue.instruments import with_dollars
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec
from twap_server.venue.topics import EVERY_LEVEL, Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_CHANNELS: dict[str, tuple[Kind, int]] = {
    "diff_order_book": ("changes", EVERY_LEVEL),
    "order_book": ("whole", 100),
    "live_trades": ("trades", 0),
}
_NAME = re.compile("(diff_order_book|order_book|live_trades)_([a-z0-9-]+)")
_STEPS = {step: minutes(step // 60) for step in (60, 180, 300, 900, 1800, 3600)}
_STEPS |= {hours * 3600: minutes(hours * 60) for hours in (2, 4, 6, 12, 24, 72)}
_MOST_ROWS = 1_000
_MOST_BYTES = 512


class BitstampSession(TopicSession):
    """One connection to the public stream."""

    venue = "bitstamp"
    every_ms = 100
    most_topics = 1_024

    def notice(self) -> str:
        """Ask for a new connection before a planned close."""
        return '{"event":"bts:request_reconnect","channel":"","data":null}'

    def receive(self, message: str) -> None:
        """Answer a client's message, unless it is too long."""
        if len(message.encode()) >= _MOST_BYTES:
            self.end(1009, "message too big")
        else:
            super().receive(message)

    def request(self, message: Any) -> None:
        """Answer ``bts:heartbeat``, ``bts:subscribe`` and ``bts:unsubscribe``."""
        if not isinstance(message, dict):
            self._fail("Incorrect JSON format.")
            return
        event, data = message.get("event"), message.get("data")
        if event == "bts:heartbeat":
            self._tell(event, "", {"status": "success"})
        elif event in ("bts:subscribe", "bts:unsubscribe") and isinstance(data, dict):
            self._change(event, str(data.get("channel")))
        else:
            self._fail("Bad subscription string.")

    def _change(self, event: str, name: str) -> None:
        """Begin or end a channel; one market more than there is room for closes without a word."""
        parts = _NAME.fullmatch(name)
        if parts is None:
            self._fail("Bad subscription string.")
            return
        kind, depth = _CHANNELS[parts[1]]
        topic = Topic(kind, parts[2], name, depth)
        if event == "bts:unsubscribe":
            self.leave(topic)
            self._tell("bts:unsubscription_succeeded", name, {})
        elif self.is_full():
            self.end(0)
        else:
            self._tell("bts:subscription_succeeded", name, {})
            self.join(topic)

    def _tell(self, event: str, channel: str, data: Mapping[str, Any]) -> None:
        self.tell({"event": event, "channel": channel, "data": data})

    def _fail(self, words: str) -> None:
        self._tell("bts:error", "", {"code": None, "message": words})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, or those that changed."""
        data = _times(told.time) | {
            "bids": figures.padded(told.bids, pair.spec),
            "asks": figures.padded(told.asks, pair.spec),
        }
        yield text.compact({"data": data, "channel": topic.channel, "event": "data"})

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """One message a trade, its figures as numbers and as texts."""
        spec = pair.spec
        for one in made:
            times = text.compact(_times(one.time))[1:-1]
            yield (
                f'{{"data":{{"id":{one.id},{times},"amount":{figures.quantity(one.qty)},'
                f'"amount_str":"{text.fixed(one.qty, text.QTY_DECIMALS)}",'
                f'"price":{figures.short(one.price, spec)},"price_str":"{figures.price(one.price, spec)}",'
                f'"type":{0 if one.taker_buys else 1},"buy_order_id":{2 * one.id},'
                f'"sell_order_id":{2 * one.id + 1}}},"channel":"{topic.channel}","event":"trade"}}'
            )


def _times(nanos: int) -> dict[str, str]:
    return {"timestamp": str(nanos // 10**9), "microtimestamp": str(nanos // 1_000)}


class BitstampRest(VenueRest):
    """Answers under ``/api/v2``; an unknown pair gets a page instead of JSON."""

    venue = "bitstamp"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/api/v2/trading-pairs-info/": lambda asked: [_pair_info(pair.spec) for pair in self.pairs()],
            "/api/v2/markets/": lambda asked: [_market(pair.spec) for pair in self.pairs()],
            "/api/v2/ohlc/{pair}/": self._candles,
            "/api/v2/order_book/{pair}/": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a pair is unknown, or a parameter wrong."""
        if field == "pair":
            return RestRefusal(404, "<html><head><title>Page not found</title></head></html>")
        return RestRefusal(400, {"status": "error", "reason": f"Invalid {field}", "code": "API0004"})

    def _candles(self, asked: AskedFields) -> Any:
        pair, interval = self.pair(asked, "pair"), _STEPS.get(asked.integer("step"))
        limit, first, last = asked.integer("limit"), asked.optional("start"), asked.optional("end")
        if interval is None or not 1 <= limit <= _MOST_ROWS:
            raise self.refusal("step" if interval is None else "limit")
        rows = self.candles(pair, interval, end_ms=None if last is None else last * 1_000, limit=limit)
        shown = [_row(one, pair.spec) for one in rows if one.open_ms >= (first or 0) * 1_000]
        return {"data": {"pair": _name(pair.spec), "ohlc": shown}}

    def _book(self, asked: AskedFields) -> Any:
        pair = self.pair(asked, "pair")
        sides = (("bids", pair.book.bids), ("asks", pair.book.asks))
        told = {name: figures.padded(side.top(EVERY_LEVEL), pair.spec) for name, side in sides}
        return _times(self._clock.now()) | told


def _name(spec: Spec) -> str:
    return f"{spec.base}/{spec.quote}"


def _pair_info(spec: Spec) -> dict[str, Any]:
    return {
        "trading": "Enabled",
        "base_decimals": figures.places(spec.step),
        "url_symbol": spec.symbol,
        "name": _name(spec),
        "instant_and_market_orders": "Enabled",
        "minimum_order": f"{spec.min_notional} {spec.quote}",
        "counter_decimals": spec.price_decimals,
        "description": _name(spec),
    }


def _market(spec: Spec) -> dict[str, Any]:
    return {
        "name": _name(spec),
        "market_symbol": spec.symbol,
        "base_currency": spec.base,
        "base_decimals": figures.places(spec.step),
        "counter_currency": spec.quote,
        "counter_decimals": spec.price_decimals,
        "minimum_order_value": spec.min_notional,
        "trading": "Enabled",
        "market_type": "SPOT",
    }


def _row(candle: VenueCandle, spec: Spec) -> dict[str, str]:
    names = ("open", "high", "low", "close")
    prices = {name: figures.price(getattr(candle, name), spec) for name in names}
    volume = text.fixed(candle.volume, text.QTY_DECIMALS)
    return {"timestamp": str(candle.open_ms // 1_000)} | prices | {"volume": volume}


PROTOCOL = VenueProtocol(
    name="bitstamp",
    session=BitstampSession,
    sockets=("/ws",),
    ws_base="/ws",
    rest=lambda source, clock: BitstampRest(source, clock).routes(),
    specs=lambda base, quote: with_dollars(base, quote, join=lambda one, other: (one + other).lower()),
)
