"""Speak Gate's API v4: spot.

Changes of a book name the first and last id they cover (``U``, ``u``) and join a book from REST; the newer
channel ``spot.obu`` begins with the whole book. Manuals: Spot WebSocket v4, API v4 (Spot).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.candles import CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_INTERVALS: dict[str, CandleInterval] = {
    "1m": minutes(1),
    "5m": minutes(5),
    "15m": minutes(15),
    "30m": minutes(30),
    "1h": minutes(60),
    "4h": minutes(240),
    "8h": minutes(480),
    "1d": minutes(1_440),
    "7d": minutes(7 * 1_440),
    "30d": minutes(30 * 1_440),
}
_SPEEDS = {"100ms": 100, "20ms": 20}
"""Of ``spot.order_book_update``: how often it tells changes, and of how many levels a side."""
_OBU_DEPTHS = {"400": 400, "50": 50}
_LISTS: dict[str, Kind] = {"spot.trades": "trades", "spot.tickers": "ticker"}
_PING = "spot.ping"
_REST_ROWS, _MOST_ROWS, _REACH = 100, 1_000, 10_000
_REST_LEVELS = 10


class WrongArgument(Exception):
    """A payload that is refused, in the exchange's words."""


class GateSession(TopicSession):
    """One connection to the public stream."""

    venue = "gate"

    def notice(self) -> str:
        """Tell of a planned close."""
        return text.compact(self._envelope("spot.system", "upgrade") | {"result": {"type": "upgrade"}})

    def request(self, message: Any) -> None:
        """Answer ``spot.ping``, ``subscribe`` and ``unsubscribe``."""
        if not isinstance(message, dict):
            self._fail({}, 1, "Invalid request body")
            return
        channel, event = str(message.get("channel")), message.get("event")
        if channel == _PING:
            self.tell(self._envelope("spot.pong", "") | {"result": None})
            return
        try:
            if event not in ("subscribe", "unsubscribe"):
                raise WrongArgument(f"Invalid event {event}")
            topics = self._topics_of(channel, message.get("payload"))
            self._hold_single(topics, str(event))
        except WrongArgument as error:
            self._fail(message, 2, str(error))
            return
        self._acknowledge(message)
        for topic in topics:
            if event == "subscribe":
                self.join(topic)
            else:
                self.leave(topic)

    def _topics_of(self, channel: str, payload: object) -> list[Topic]:
        words = [str(word) for word in payload] if isinstance(payload, list) else []
        if channel in _LISTS and words:
            return [Topic(_LISTS[channel], self._listed(word), channel) for word in words]
        if channel == "spot.order_book_update" and len(words) == 2 and words[1] in _SPEEDS:
            return [Topic("changes", self._listed(words[0]), channel, _SPEEDS[words[1]])]
        if channel == "spot.obu" and words:
            return [_whole_stream(word) for word in words]
        raise WrongArgument(f"Invalid channel or payload: {channel}")

    def _listed(self, symbol: str) -> str:
        if self.pair(symbol) is None:
            raise WrongArgument(f"unknown currency pair {symbol}")
        return symbol

    def _hold_single(self, topics: Sequence[Topic], event: str) -> None:
        """Hold that ``spot.obu`` has one stream of a pair on a connection."""
        for topic in topics:
            twice = any(one.symbol == topic.symbol and one.kind == "book" for one in self._topics)
            if event == "subscribe" and topic.kind == "book" and twice:
                raise WrongArgument(f"Alert sub {topic.channel}")

    def _envelope(self, channel: str, event: str) -> dict[str, Any]:
        now = self._clock.now()
        return {"time": now // 10**9, "time_ms": now // MILLISECOND, "channel": channel, "event": event}

    def _acknowledge(self, asked: Mapping[str, Any]) -> None:
        told = {"id": asked["id"]} if "id" in asked else {}
        told |= self._envelope(asked["channel"], asked["event"]) | {"conn_id": f"{self.number:016x}"}
        self.tell(told | {"payload": asked["payload"], "result": {"status": "success"}})

    def _fail(self, asked: Mapping[str, Any], code: int, words: str) -> None:
        told = {"id": asked["id"]} if "id" in asked else {}
        told |= self._envelope(str(asked.get("channel", "")), str(asked.get("event", "")))
        self.tell(told | {"error": {"code": code, "message": words}, "result": {"status": "fail"}})

    def _pushed(self, channel: str, result: Mapping[str, Any]) -> str:
        return text.compact(self._envelope(channel, "update") | {"result": result})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """A range of changes, or, on ``spot.obu`` first, all levels."""
        at = told.time // MILLISECOND
        result: dict[str, Any] = {"t": at, "u": told.last_id}
        if topic.kind == "changes":
            result |= {"e": "depthUpdate", "E": at // 1_000, "s": topic.symbol, "U": told.first_id}
        else:
            result |= {"s": topic.channel} | ({"full": True} if told.is_whole else {"U": told.first_id})
        result |= {"b": figures.levels(told.bids, pair.spec), "a": figures.levels(told.asks, pair.spec)}
        yield self._pushed("spot.obu" if topic.kind == "book" else topic.channel, result)

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """One message a trade."""
        for one in made:
            result = {
                "id": one.id,
                "create_time": one.time // 10**9,
                "create_time_ms": text.fixed(one.time // 1_000, 3),
                "side": "buy" if one.taker_buys else "sell",
                "currency_pair": topic.symbol,
                "amount": figures.quantity(one.qty),
                "price": figures.short(one.price, pair.spec),
            }
            yield self._pushed(topic.channel, result)

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices, without the figures of the day."""
        result = {
            "currency_pair": topic.symbol,
            "last": figures.short(figures.last_price(pair), pair.spec),
            "lowest_ask": figures.short(event.ask[0], pair.spec),
            "highest_bid": figures.short(event.bid[0], pair.spec),
        }
        yield self._pushed(topic.channel, result)


def _whole_stream(name: str) -> Topic:
    """Read ``ob.BTC_USDT.400``; what is unknown is acknowledged and stays silent."""
    prefix, _, rest = name.partition(".")
    symbol, _, depth = rest.rpartition(".")
    known = prefix == "ob" and depth in _OBU_DEPTHS
    return Topic("book" if known else "other", symbol, name, _OBU_DEPTHS.get(depth, 0))


class GateRest(VenueRest):
    """Answers under ``/api/v4/spot``; refusals have a label and a status."""

    venue = "gate"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/api/v4/spot/currency_pairs": lambda asked: [_entry(pair.spec) for pair in self.pairs()],
            "/api/v4/spot/candlesticks": self._candles,
            "/api/v4/spot/order_book": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a pair is unknown, or a parameter wrong."""
        if field == "currency_pair":
            return RestRefusal(400, {"label": "INVALID_CURRENCY_PAIR", "message": "Invalid currency pair"})
        return RestRefusal(400, {"label": "INVALID_PARAM_VALUE", "message": f"Invalid param {field}"})

    def _candles(self, asked: AskedFields) -> Any:
        pair, interval = self.pair(asked, "currency_pair"), _INTERVALS.get(asked.text("interval", "30m"))
        if interval is None:
            raise self.refusal("interval")
        first, last, limit = (asked.optional(name) for name in ("from", "to", "limit"))
        ranged = first is not None or last is not None
        if (limit is not None and (ranged or limit > _MOST_ROWS)) or self._is_too_old(first, interval):
            raise self.refusal("limit" if limit is not None else "from")
        end_ms = None if last is None else last * 1_000
        limit = limit or (_MOST_ROWS if ranged else _REST_ROWS)
        rows = self.candles(pair, interval, end_ms=end_ms, limit=limit)
        shown = [one for one in rows if one.open_ms >= (first or 0) * 1_000]
        return [_row(one, pair.spec, closed=interval.next(one.open_ms) <= self.now_ms()) for one in shown]

    def _is_too_old(self, first: int | None, interval: CandleInterval) -> bool:
        return first is not None and first * 1_000 < self.now_ms() - _REACH * interval.length_ms

    def _book(self, asked: AskedFields) -> Any:
        pair, limit = self.pair(asked, "currency_pair"), asked.integer("limit", _REST_LEVELS)
        told = {"id": pair.last_id} if asked.text("with_id", "false") == "true" else {}
        told |= {"current": self.now_ms(), "update": self.now_ms()}
        sides = (("asks", pair.book.asks), ("bids", pair.book.bids))
        return told | {name: figures.levels(side.top(limit), pair.spec) for name, side in sides}


def _entry(spec: Spec) -> dict[str, Any]:
    return {
        "id": spec.symbol,
        "base": spec.base,
        "quote": spec.quote,
        "fee": "0.2",
        "min_base_amount": figures.quantity(spec.min_qty),
        "min_quote_amount": spec.min_notional,
        "amount_precision": figures.places(spec.step),
        "precision": spec.price_decimals,
        "trade_status": "tradable",
        "sell_start": 0,
        "buy_start": 0,
    }


def _row(candle: VenueCandle, spec: Spec, *, closed: bool) -> list[str]:
    prices = (candle.close, candle.high, candle.low, candle.open)
    return [
        str(candle.open_ms // 1_000),
        figures.worth(candle.quote, spec),
        *(figures.short(one, spec) for one in prices),
        figures.quantity(candle.volume),
        "true" if closed else "false",
    ]


PROTOCOL = VenueProtocol(
    name="gate",
    session=GateSession,
    sockets=("/ws/v4/",),
    ws_base="/ws/v4/",
    rest_base="/api/v4",
    rest=lambda source, clock: GateRest(source, clock).routes(),
    specs=lambda base, quote: (usual(f"{base}_{quote}", base, quote),),
)
