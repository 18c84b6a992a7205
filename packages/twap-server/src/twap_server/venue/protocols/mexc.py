"""Speak MEXC's Spot V3: answers in JSON, market data in protobuf.

Changes of a book name the versions they cover and join a book from REST. Answers repeat the channel; a
refusal is told by its text alone. Manual: MEXC API, Spot V3; its published ``.proto`` files.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twap_server.domain.clock import Clock
from twap_server.venue import figures
from twap_server.venue.candles import CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Source, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_INTERVALS: dict[str, CandleInterval] = {
    **{f"{count}m": minutes(count) for count in (1, 5, 15, 30, 60)},
    "4h": minutes(240),
    "1d": minutes(1_440),
}
_KINDS: dict[str, Kind] = {
    "spot@public.aggre.depth.v3.api.pb": "changes",
    "spot@public.aggre.deals.v3.api.pb": "trades",
    "spot@public.aggre.bookTicker.v3.api.pb": "ticker",
}
_SPEEDS = ("10ms", "100ms")
_ROWS, _MOST_ROWS = 500, 1_000
_LEVELS, _MOST_LEVELS = 100, 5_000
_KEPT_MS = 1_000


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the eighth."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(rest) if rest else bytes([low])


def _field(tag: int, value: int | str | bytes) -> bytes:
    """One field of a message: a number, or something with a length."""
    if isinstance(value, int):
        return _number(tag * 8) + _number(value)
    raw = value.encode() if isinstance(value, str) else value
    return _number(tag * 8 + 2) + _number(len(raw)) + raw


class MexcSession(TopicSession):
    """One connection to the public stream."""

    venue = "mexc"
    idle_s = 30
    mute_s = 60
    most_topics = 30

    def request(self, message: Any) -> None:
        """Answer ``SUBSCRIPTION``, ``UNSUBSCRIPTION`` and ``PING``."""
        fields = message if isinstance(message, dict) else {}
        method, params = fields.get("method"), fields.get("params")
        if method == "PING":
            self._answer("PONG")
        elif method not in ("SUBSCRIPTION", "UNSUBSCRIPTION") or not isinstance(params, list):
            self._answer("msg error")
        else:
            for name in map(str, params):
                self._stream(str(method), name)

    def _stream(self, method: str, name: str) -> None:
        channel, _, rest = name.rpartition("@")[0].rpartition("@")
        topic = Topic(_KINDS.get(channel, "other"), name.rpartition("@")[2], name)
        is_full = method == "SUBSCRIPTION" and self.is_full()
        if topic.kind == "other" or rest not in _SPEEDS or self.pair(topic.symbol) is None or is_full:
            self._answer(f"Not Subscribed successfully! [{name}].  Reason: Blocked!")
            return
        self._answer(name)
        if method == "SUBSCRIPTION":
            self.join(topic)
        else:
            self.leave(topic)

    def _answer(self, words: str) -> None:
        self.tell({"id": 0, "code": 0, "msg": words})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """A range of changes."""
        body = _levels(1, told.asks, pair.spec) + _levels(2, told.bids, pair.spec)
        body += _field(3, topic.channel.rpartition("@")[0])
        body += _field(4, str(told.first_id)) + _field(5, str(told.last_id))
        yield self._pushed(topic, 313, body)

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """All trades of an order in one message."""
        deals = [
            _field(1, figures.short(one.price, pair.spec))
            + _field(2, figures.quantity(one.qty))
            + _field(3, 1 if one.taker_buys else 2)
            + _field(4, one.time // MILLISECOND)
            + _field(5, f"{one.id}X1")
            for one in made
        ]
        yield self._pushed(topic, 314, b"".join(_field(1, one) for one in deals))

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices."""
        texts = (text for side in (event.bid, event.ask) for text in figures.levels([side], pair.spec)[0])
        yield self._pushed(topic, 315, b"".join(_field(at, one) for at, one in enumerate(texts, 1)))

    def _pushed(self, topic: Topic, number: int, body: bytes) -> bytes:
        named = _field(1, topic.channel) + _field(3, topic.symbol)
        return named + _field(6, self._clock.now() // MILLISECOND) + _field(number, body)


def _levels(tag: int, side: Iterable[tuple[int, int]], spec: Spec) -> bytes:
    return b"".join(
        _field(tag, _field(1, price) + _field(2, quantity)) for price, quantity in figures.levels(side, spec)
    )


class MexcRest(VenueRest):
    """Answers under ``/api/v3``; refusals have a code and a status. A book is made once a second at most."""

    venue = "mexc"

    def __init__(self, source: Source, clock: Clock) -> None:
        super().__init__(source, clock)
        self._books: dict[tuple[str, int], dict[str, Any]] = {}

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/api/v3/exchangeInfo": lambda asked: {
                "timezone": "CST",
                "serverTime": self.now_ms(),
                "symbols": [_entry(one.spec) for one in self.pairs()],
            },
            "/api/v3/klines": self._candles,
            "/api/v3/depth": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a symbol is unknown, or a parameter wrong."""
        code = -1121 if field == "symbol" else 700004
        return RestRefusal(400, {"code": code, "msg": f"Invalid {field}."})

    def _candles(self, asked: AskedFields) -> Any:
        pair, interval = self.pair(asked, "symbol"), _INTERVALS.get(asked.text("interval"))
        if interval is None:
            raise self.refusal("interval")
        first, last = asked.optional("startTime"), asked.optional("endTime")
        limit = min(asked.integer("limit", _ROWS), _MOST_ROWS)
        rows = self.candles(pair, interval, start_ms=first, end_ms=last, limit=limit)
        return [_row(one, pair.spec, interval) for one in rows]

    def _book(self, asked: AskedFields) -> Any:
        pair, limit = self.pair(asked, "symbol"), min(asked.integer("limit", _LEVELS), _MOST_LEVELS)
        asked_for = pair.spec.symbol, limit
        kept = self._books.get(asked_for)
        if kept is None or self.now_ms() - kept["timestamp"] >= _KEPT_MS:
            kept = self._books[asked_for] = self._made(pair, limit)
        return kept

    def _made(self, pair: Pair, limit: int) -> dict[str, Any]:
        sides = (("bids", pair.book.bids), ("asks", pair.book.asks))
        told = {name: figures.levels(side.top(limit), pair.spec) for name, side in sides}
        return {"lastUpdateId": pair.last_id, **told, "timestamp": self.now_ms()}


def _entry(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "status": "1",
        "baseAsset": spec.base,
        "baseAssetPrecision": figures.places(spec.step),
        "quoteAsset": spec.quote,
        "quotePrecision": spec.price_decimals,
        "quoteAssetPrecision": spec.price_decimals,
        "baseSizePrecision": figures.quantity(spec.min_qty),
        "quoteAmountPrecision": spec.min_notional,
        "isSpotTradingAllowed": True,
        "filters": [],
    }


def _row(candle: VenueCandle, spec: Spec, interval: CandleInterval) -> list[int | str]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    amounts = figures.quantity(candle.volume), figures.worth(candle.quote, spec)
    shown = [figures.short(one, spec) for one in prices]
    return [candle.open_ms, *shown, amounts[0], interval.next(candle.open_ms) - 1, amounts[1]]


PROTOCOL = VenueProtocol(
    name="mexc",
    session=MexcSession,
    sockets=("/ws",),
    ws_base="/ws",
    rest=lambda source, clock: MexcRest(source, clock).routes(),
    specs=lambda base, quote: (usual(f"{base}{quote}", base, quote),),
)
