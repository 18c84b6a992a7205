"""Speak Crypto.com's Exchange API v1: spot.

The server asks every 30 seconds for a sign of life and cuts who owes three. Data looks like acknowledgements;
a book is acknowledged, and told whole a little later. A quiet book says every five seconds that nothing
changed. Manual: Exchange API v1.
"""

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.candles import MONTH, CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_INTERVALS: dict[str, CandleInterval] = {
    **{f"{count}m": minutes(count) for count in (1, 5, 15, 30)},
    **{f"{count}h": minutes(60 * count) for count in (1, 2, 4, 12)},
    "1D": minutes(1_440),
    "7D": minutes(7 * 1_440),
    "14D": minutes(14 * 1_440),
    "1M": MONTH,
}
_CHANGES = "SNAPSHOT_AND_UPDATE"
_LISTS: dict[str, Kind] = {"trade": "trades", "ticker": "ticker"}
_DEPTHS = {_CHANGES: (10, 50), "SNAPSHOT": (10, 50, 150)}
_REST_DEPTHS = (10, 50, 100, 150)
_ROWS, _MOST_ROWS = 25, 300
_HEARTBEAT_S, _QUIET_S = 30, 5
_MOST_OWED = 3
_STRIDE = 10_000
"""Numbers of a book rise in large steps."""


class CryptocomSession(TopicSession):
    """One connection to the market stream."""

    venue = "cryptocom"
    every_ms = 500
    most_topics = 400

    def prepare(self) -> None:
        """Begin without topics, owed nothing."""
        super().prepare()
        self._owed: list[int] = []
        self._newest: dict[Topic, int] = {}
        self._is_quiet: set[Topic] = set()

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Ask for signs of life, and say that quiet books did not change."""
        return [*super().chores(), self._ask(), self._tell_quiet()]

    async def _ask(self) -> None:
        while True:
            await self._clock.sleep(_HEARTBEAT_S)
            number = self._clock.now() // MILLISECOND
            self._owed.append(number)
            self.tell({"id": number, "method": "public/heartbeat", "code": 0})
            if len(self._owed) >= _MOST_OWED:
                self.end(1000, "heartbeat")

    async def _tell_quiet(self) -> None:
        while True:
            self._is_quiet = set(self._newest)
            await self._clock.sleep(_QUIET_S)
            for topic in self._is_quiet & self._topics.keys():
                last, now = self._newest[topic], self._clock.now() // MILLISECOND
                self.say(self._update(topic, {"asks": [], "bids": []}, now, (last, last)))

    def request(self, message: Any) -> None:
        """Answer ``subscribe`` and ``unsubscribe``, take answers to heartbeats; what is no JSON gets none."""
        if isinstance(message, str):
            return
        fields = message if isinstance(message, dict) else {}
        method, params = fields.get("method"), fields.get("params")
        if method == "public/respond-heartbeat":
            self._owed = [one for one in self._owed if one != fields.get("id")]
        elif not isinstance(fields.get("id"), int) or method not in ("subscribe", "unsubscribe"):
            original = {"original": text.compact(message)}
            self.tell({"id": -1, "method": "ERROR", "code": 40001, "message": "Bad request"} | original)
        else:
            asked = params if isinstance(params, dict) else {}
            for channel in asked.get("channels") or [""]:
                self._channel(fields, str(channel), str(asked.get("book_subscription_type", "SNAPSHOT")))

    def _channel(self, fields: Mapping[str, Any], channel: str, how: str) -> None:
        name, _, rest = channel.partition(".")
        symbol, _, depth = rest.partition(".") if name == "book" else (rest, "", "")
        told = {"id": fields["id"], "method": fields["method"]}
        words = self._fault(name, symbol, depth, how)
        if words:
            self.tell(told | {"code": 40003, "message": words})
            return
        kind, levels = _LISTS.get(name), 0
        if kind is None:
            kind, levels = ("book" if how == _CHANGES else "whole"), int(depth)
        topic = Topic(kind, symbol, channel, levels)
        begins = fields["method"] == "subscribe" and topic not in self._topics
        if begins and self.is_full():
            self.tell(told | {"code": 40107, "message": "Maximum subscriptions exceeded"})
            return
        if name == "book":
            self.tell(told | {"code": 0, "channel": channel})
        if begins:  # a second subscription has one stream with the first
            self.join(topic)
        elif fields["method"] == "unsubscribe":
            self._leave_all(channel)

    def _leave_all(self, channel: str) -> None:
        """End a channel, however its book is told."""
        for topic in [one for one in self._topics if one.channel == channel]:
            self._newest.pop(topic, None)
            self.leave(topic)

    def _fault(self, name: str, symbol: str, depth: str, how: str) -> str:
        """What is wrong with a channel, in the exchange's words."""
        if name not in (*_LISTS, "book"):
            return "Unrecognized channel"
        if self.pair(symbol) is None:
            return "Unknown symbol"
        if name == "book" and how not in _DEPTHS:
            return "Invalid book_subscription_type"
        if name == "book" and depth not in {str(one) for one in _DEPTHS[how]}:
            return "Invalid depth"
        return ""

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, or a change that names the message before it."""
        at, last = told.time // MILLISECOND, told.last_id * _STRIDE
        sides = {"asks": _levels(told.asks, pair.spec), "bids": _levels(told.bids, pair.spec)}
        self._is_quiet.discard(topic)
        if topic.kind == "book":
            self._newest[topic] = last
        if not told.is_whole:
            yield self._update(topic, sides, at, (told.previous_id * _STRIDE, last))
            return
        yield _pushed("book", topic, [sides | {"t": at, "tt": at, "u": last, "cs": 0}])

    def _update(self, topic: Topic, sides: Mapping[str, object], at: int, ids: tuple[int, int]) -> str:
        told = {"t": at, "tt": at, "u": ids[1], "pu": ids[0], "cs": 0}
        return _pushed("book.update", topic, [{"update": sides} | told])

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """All trades of an order in one message, newest first."""
        entries = [
            {
                "d": str(one.id),
                "t": one.time // MILLISECOND,
                "p": figures.price(one.price, pair.spec),
                "q": figures.quantity(one.qty),
                "s": "BUY" if one.taker_buys else "SELL",
                "i": topic.symbol,
            }
            for one in reversed(made)
        ]
        yield _pushed("trade", topic, entries)

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices, and the last trade."""
        entry = {
            "i": topic.symbol,
            "b": figures.price(event.bid[0], pair.spec),
            "bs": figures.quantity(event.bid[1]),
            "k": figures.price(event.ask[0], pair.spec),
            "ks": figures.quantity(event.ask[1]),
            "a": figures.price(figures.last_price(pair), pair.spec),
            "t": event.time // MILLISECOND,
        }
        yield _pushed("ticker", topic, [entry])


def _levels(side: Sequence[tuple[int, int]], spec: Spec) -> list[list[str]]:
    return [[figures.price(at, spec), figures.quantity(there), "1" if there else "0"] for at, there in side]


def _pushed(channel: str, topic: Topic, data: Sequence[object]) -> str:
    result: dict[str, Any] = {"instrument_name": topic.symbol, "subscription": topic.channel}
    result |= {"channel": channel} | ({"depth": topic.depth} if channel.startswith("book") else {})
    return text.compact({"id": -1, "method": "subscribe", "code": 0, "result": result | {"data": data}})


class CryptocomRest(VenueRest):
    """Answers under ``/exchange/v1/public``; refusals have a code and a status."""

    venue = "cryptocom"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/exchange/v1/public/get-instruments": lambda asked: _body(
                "get-instruments", {"data": [_entry(one.spec) for one in self.pairs()]}
            ),
            "/exchange/v1/public/get-candlestick": self._candles,
            "/exchange/v1/public/get-book": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that an instrument is unknown, or a parameter wrong."""
        words = "Unknown symbol" if field == "instrument_name" else f"Invalid {field}"
        return RestRefusal(400, {"id": -1, "method": "public", "code": 40003, "message": words})

    def pair(self, asked: AskedFields, name: str) -> Pair:
        """Find the instrument; where none is named, that is what is told."""
        if not asked.has(name):
            told = {"id": -1, "method": "public", "code": 40004, "message": f"Missing {name} param"}
            raise RestRefusal(400, told)
        return super().pair(asked, name)

    def _candles(self, asked: AskedFields) -> Any:
        pair, interval = self.pair(asked, "instrument_name"), _INTERVALS.get(asked.text("timeframe", "1m"))
        if interval is None:
            raise self.refusal("timeframe")
        first, last = asked.optional("start_ts") or 0, asked.optional("end_ts")
        limit = min(asked.integer("count", _ROWS), _MOST_ROWS)
        rows = self.candles(pair, interval, end_ms=None if last is None else last - 1, limit=limit)
        shown = [_row(one, pair.spec) for one in rows if one.open_ms > first]
        return _body("get-candlestick", {"instrument_name": pair.spec.symbol, "data": shown})

    def _book(self, asked: AskedFields) -> Any:
        pair, depth = self.pair(asked, "instrument_name"), asked.integer("depth", 50)
        if depth not in _REST_DEPTHS:
            raise self.refusal("depth")
        sides = (("asks", pair.book.asks), ("bids", pair.book.bids))
        told: dict[str, Any] = {name: _levels(side.top(depth), pair.spec) for name, side in sides}
        told |= {"t": self.now_ms(), "u": pair.last_id * _STRIDE}
        return _body("get-book", {"instrument_name": pair.spec.symbol, "depth": depth, "data": [told]})


def _body(method: str, result: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": -1, "method": f"public/{method}", "code": 0, "result": result}


def _entry(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "inst_type": "CCY_PAIR",
        "display_name": f"{spec.base}/{spec.quote}",
        "base_ccy": spec.base,
        "quote_ccy": spec.quote,
        "quote_decimals": spec.price_decimals,
        "quantity_decimals": figures.places(spec.step),
        "price_tick_size": figures.price(1, spec),
        "qty_tick_size": figures.quantity(spec.step),
        "max_leverage": "50",
        "tradable": True,
    }


def _row(candle: VenueCandle, spec: Spec) -> dict[str, Any]:
    prices = {"o": candle.open, "h": candle.high, "l": candle.low, "c": candle.close}
    told: dict[str, Any] = {name: figures.price(one, spec) for name, one in prices.items()}
    return told | {"v": figures.quantity(candle.volume), "t": candle.open_ms}


PROTOCOL = VenueProtocol(
    name="cryptocom",
    session=CryptocomSession,
    sockets=("/exchange/v1/market",),
    ws_base="/exchange/v1/market",
    rest_base="/exchange/v1",
    rest=lambda source, clock: CryptocomRest(source, clock).routes(),
    specs=lambda base, quote: (usual(f"{base}_{quote}", base, quote),),
)
