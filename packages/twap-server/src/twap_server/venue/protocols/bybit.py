"""Speak Bybit's API v5: spot, and linear perpetuals at another address.

One acknowledgement answers for a whole request, so one bad topic refuses all. The messages of a book are
counted one by one (``u``). Both markets have the same names of topics and instruments. Manual: Bybit V5 API,
WebSocket and market data.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from twap_server.venue import figures, text
from twap_server.venue.candles import MONTH, WEEK, CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import perpetual, usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_INTERVALS: dict[str, CandleInterval] = {
    **{str(count): minutes(count) for count in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": minutes(1_440),
    "W": WEEK,
    "M": MONTH,
}
_DEPTHS: dict[str, tuple[Kind, int]] = {
    "1": ("whole", 1),
    "50": ("book", 50),
    "200": ("book", 200),
    "1000": ("book", 1_000),
}
_MOST_ROWS = 1_000
_USUAL_ENTRIES, _MOST_ENTRIES = 500, 1_000
_REST_LEVELS = 1
_REST_ROWS = 200


class UnknownTopic(Exception):
    """A topic that is refused, in the exchange's words."""


class BybitSession(TopicSession):
    """One connection to the public stream of spot."""

    venue = "bybit"
    repeats: ClassVar[bool] = True
    """An acknowledgement repeats what was asked; else its text is empty."""
    most_at_once: ClassVar[int] = 10
    """Topics of one request."""

    def request(self, message: Any) -> None:
        """Answer ``ping``, ``subscribe`` and ``unsubscribe``."""
        fields = message if isinstance(message, dict) else {}
        operation, names = fields.get("op"), fields.get("args")
        if operation == "ping":
            self._answer(fields, "pong")
        elif operation not in ("subscribe", "unsubscribe") or not isinstance(names, list):
            self._answer(fields, "Params Error", success=False)
        elif len(names) > self.most_at_once:
            self._answer(fields, f"args size >{self.most_at_once}", success=False)
        else:
            self._topics_of(fields, names)

    def _topics_of(self, fields: Mapping[str, Any], names: Sequence[object]) -> None:
        try:
            topics = [self._topic(str(name)) for name in names]
        except UnknownTopic as error:
            self._answer(fields, str(error), success=False)
            return
        self._answer(fields, fields["op"] if self.repeats else "")
        for topic in topics:
            if fields["op"] == "subscribe":
                self.join(topic)
            else:
                self.leave(topic)

    def _topic(self, name: str) -> Topic:
        channel, _, rest = name.partition(".")
        option, _, symbol = rest.rpartition(".")
        kinds: dict[tuple[str, str], Kind] = {("publicTrade", ""): "trades", ("tickers", ""): "ticker"}
        kind, depth = kinds.get((channel, option)), 0
        if channel == "orderbook" and option in _DEPTHS:
            kind, depth = _DEPTHS[option]
        elif channel == "kline" and option in _INTERVALS:
            kind = "other"
        if kind is None:
            raise UnknownTopic(f"error:handler not found,topic:{name}")
        if self.pair(symbol) is None:
            raise UnknownTopic(f"Invalid symbol :[{name}]")
        return Topic(kind, symbol, name, depth)

    def _answer(self, fields: Mapping[str, Any], words: str, *, success: bool = True) -> None:
        told = {"success": success, "ret_msg": words, "conn_id": f"{self.number:08x}"}
        named = {"req_id": fields["req_id"]} if "req_id" in fields else {}
        self.tell(told | named | {"op": fields.get("op", "")})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """A snapshot, or a delta that is one more than the message before."""
        data = {
            "s": topic.symbol,
            "b": figures.levels(told.bids, pair.spec),
            "a": figures.levels(told.asks, pair.spec),
            "u": told.number,
            "seq": told.last_id,
        }
        yield _pushed(topic, told.time, "snapshot" if told.is_whole else "delta", data, cts=True)

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """All trades of an order in one message; their ids say nothing of their order."""
        data = [
            {
                "i": f"{one.id * 7_919 % 10**19:019}",
                "T": one.time // MILLISECOND,
                "p": figures.short(one.price, pair.spec),
                "v": figures.quantity(one.qty),
                "S": "Buy" if one.taker_buys else "Sell",
                "s": topic.symbol,
                "BT": False,
                "RPI": False,
                "seq": pair.last_id,
            }
            for one in made
        ]
        yield _pushed(topic, made[-1].time, "snapshot", data)

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The last price; the ticker of spot has no best prices."""
        data = {"symbol": topic.symbol, "lastPrice": figures.short(figures.last_price(pair), pair.spec)}
        yield _pushed(topic, event.time, "snapshot", data)


class BybitLinearSession(BybitSession):
    """One connection to the public stream of linear contracts."""

    venue = "bybit-linear"
    repeats = False
    most_at_once = 1_000

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The last price and the best ones."""
        spec = pair.spec
        data = {
            "symbol": topic.symbol,
            "lastPrice": figures.price(figures.last_price(pair), spec),
            "bid1Price": figures.price(event.bid[0], spec),
            "bid1Size": figures.quantity(event.bid[1]),
            "ask1Price": figures.price(event.ask[0], spec),
            "ask1Size": figures.quantity(event.ask[1]),
        }
        yield _pushed(topic, event.time, "snapshot", data)


def _pushed(topic: Topic, time: int, kind: str, data: object, *, cts: bool = False) -> str:
    told = {"topic": topic.channel, "ts": time // MILLISECOND, "type": kind, "data": data}
    return text.compact(told | ({"cts": time // MILLISECOND} if cts else {}))


class BybitRest(VenueRest):
    """Answers under ``/v5/market``; refusals are bodies with a code and status 200."""

    venue = "bybit"
    category: ClassVar[str] = "spot"
    most_levels: ClassVar[int] = 1_000

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/kline": self._candles,
            "/v5/market/orderbook": self._book,
            "/v5/market/time": self._time,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a parameter is wrong: all have one code."""
        words = {"symbol": "Not supported symbols", "category": "params error: Category is invalid"}
        return RestRefusal(200, self._body(10001, words.get(field, f"params error: {field} invalid"), {}))

    def _body(self, code: int, words: str, result: object) -> dict[str, Any]:
        told = {"retCode": code, "retMsg": words, "result": result, "retExtInfo": {}}
        return told | {"time": self.now_ms()}

    def _in_category(self, asked: AskedFields) -> None:
        if asked.text("category", "linear") != self.category:
            raise self.refusal("category")

    def _time(self, asked: AskedFields) -> Any:
        nanos = self._clock.now()
        return self._body(0, "OK", {"timeSecond": str(nanos // 10**9), "timeNano": str(nanos)})

    def _instruments(self, asked: AskedFields) -> Any:
        self._in_category(asked)
        pairs = [self.pair(asked, "symbol")] if asked.has("symbol") else self.pairs()
        return self._body(0, "OK", {"category": self.category, "list": [_entry(pair.spec) for pair in pairs]})

    def _candles(self, asked: AskedFields) -> Any:
        self._in_category(asked)
        pair, interval = self.pair(asked, "symbol"), _INTERVALS.get(asked.text("interval"))
        if interval is None:
            raise self.refusal("interval")
        start, limit = asked.optional("start") or 0, min(asked.integer("limit", _REST_ROWS), _MOST_ROWS)
        rows = self.candles(pair, interval, end_ms=asked.optional("end"), limit=limit)
        listed = [_row(one, pair.spec) for one in reversed(rows) if one.open_ms >= start]
        told = {"category": self.category, "symbol": pair.spec.symbol, "list": listed}
        return self._body(0, "OK", told)

    def _book(self, asked: AskedFields) -> Any:
        self._in_category(asked)
        pair, limit = self.pair(asked, "symbol"), min(asked.integer("limit", _REST_LEVELS), self.most_levels)
        told = {
            "s": pair.spec.symbol,
            "b": figures.levels(pair.book.bids.top(limit), pair.spec),
            "a": figures.levels(pair.book.asks.top(limit), pair.spec),
            "ts": self.now_ms(),
            "u": pair.last_id,
            "seq": pair.last_id,
            "cts": self.now_ms(),
        }
        return self._body(0, "OK", told)


class BybitLinearRest(BybitRest):
    """The same for linear contracts, whose list has pages."""

    venue = "bybit-linear"
    category = "linear"
    most_levels = 500

    def _instruments(self, asked: AskedFields) -> Any:
        self._in_category(asked)
        if asked.has("symbol"):
            listed, following = [self.pair(asked, "symbol")], ""
        else:
            first = asked.optional("cursor") or 0
            last = first + min(asked.integer("limit", _USUAL_ENTRIES), _MOST_ENTRIES)
            listed, following = self.pairs()[first:last], str(last) if last < len(self.pairs()) else ""
        told = {"category": self.category, "list": [_contract(pair.spec) for pair in listed]}
        return self._body(0, "OK", told | {"nextPageCursor": following})


def _contract(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": spec.base,
        "quoteCoin": spec.quote,
        "settleCoin": spec.quote,
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "priceScale": str(spec.price_decimals),
        "priceFilter": {"minPrice": figures.price(1, spec), "tickSize": figures.price(1, spec)},
        "lotSizeFilter": {
            "minOrderQty": figures.quantity(spec.min_qty),
            "qtyStep": figures.quantity(spec.step),
            "minNotionalValue": spec.min_notional,
        },
    }


def _entry(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "baseCoin": spec.base,
        "quoteCoin": spec.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "lotSizeFilter": {
            "basePrecision": figures.quantity(spec.step),
            "quotePrecision": figures.worth(1, spec),
            "minOrderQty": figures.quantity(spec.min_qty),
            "minOrderAmt": spec.min_notional,
        },
        "priceFilter": {"tickSize": figures.price(1, spec)},
    }


def _row(candle: VenueCandle, spec: Spec) -> list[str]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    amounts = figures.quantity(candle.volume), figures.worth(candle.quote, spec)
    return [str(candle.open_ms), *(figures.short(one, spec) for one in prices), *amounts]


PROTOCOL = VenueProtocol(
    name="bybit",
    session=BybitSession,
    sockets=("/v5/public/spot",),
    ws_base="/v5/public/spot",
    rest=lambda source, clock: BybitRest(source, clock).routes(),
    specs=lambda base, quote: (usual(base + quote, base, quote),),
)
LINEAR = VenueProtocol(
    name="bybit-linear",
    session=BybitLinearSession,
    sockets=("/v5/public/linear",),
    ws_base="/v5/public/linear",
    rest=lambda source, clock: BybitLinearRest(source, clock).routes(),
    specs=lambda base, quote: (perpetual(base + quote, base, quote),),
)
