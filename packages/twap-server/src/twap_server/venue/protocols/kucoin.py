"""Speak KuCoin's unified stream ("UTA") and its REST: spot.

The stream greets, says how often it wants to be pinged, and acknowledges whatever is asked. A book begins
with its snapshot; changes name the first and last number they cover (``O``, ``C``). Some frames are binary.
Manuals: UTA WebSocket (introduction, order book, trade, ticker), Spot REST.
"""

from collections.abc import Mapping, Sequence
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
    "1min": minutes(1),
    "3min": minutes(3),
    "5min": minutes(5),
    "15min": minutes(15),
    "30min": minutes(30),
    "1hour": minutes(60),
    "2hour": minutes(120),
    "4hour": minutes(240),
    "6hour": minutes(360),
    "8hour": minutes(480),
    "12hour": minutes(720),
    "1day": minutes(1_440),
    "1week": minutes(7 * 1_440),
    "1month": MONTH,
}
_DEPTHS: dict[str, tuple[Kind, int]] = {
    "1": ("whole", 1),
    "5": ("whole", 5),
    "50": ("whole", 50),
    "increment@10ms": ("book", 500),
}
_CHANNELS: dict[str, Kind] = {"trade": "trades", "ticker": "ticker"}
_MOST_ROWS = 1_500
_REST_LEVELS = 100


class KucoinSession(TopicSession):
    """One connection to the public stream."""

    venue = "kucoin"
    idle_s = 60

    def greet(self) -> None:
        """Say how often to ping."""
        self.tell({"sessionId": f"{self.number:016x}", "message": "welcome", "pingInterval": 18_000})

    def request(self, message: Any) -> None:
        """Answer ``ping``, ``subscribe`` and ``unsubscribe``."""
        fields = message if isinstance(message, dict) else {}
        action, symbol = fields.get("action"), fields.get("symbol")
        if fields.get("type") == "ping":
            pong = {"id": fields.get("id"), "type": "pong", "ts": self._clock.now() // MILLISECOND}
            self.tell(pong)
        elif action not in ("subscribe", "unsubscribe") or fields.get("tradeType") != "SPOT":
            self._refuse(fields, "invalid request")
        elif not isinstance(symbol, str) or not symbol:
            self._refuse(fields, "invalid symbol")
        else:
            self._change(fields, symbol)

    def _change(self, fields: Mapping[str, Any], symbol: str) -> None:
        channel, depth = str(fields.get("channel")), str(fields.get("depth", ""))
        kind, levels = _CHANNELS.get(channel), 0
        if channel == "obu" and depth in _DEPTHS:
            kind, levels = _DEPTHS[depth]
        if kind is None:
            self._refuse(fields, "invalid channel")
            return
        self.tell({"id": fields.get("id"), "result": True})
        topic = Topic(kind, symbol, f"{channel}@{depth}" if depth else channel, levels)
        if fields["action"] == "subscribe":
            self.join(topic)
        else:
            self.leave(topic)

    def _refuse(self, fields: Mapping[str, Any], words: str) -> None:
        self.tell({"id": fields.get("id"), "result": False, "message": words})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """A snapshot, or the numbers that a change covers; as binary frames."""
        data = {
            "O": told.first_id,
            "C": told.last_id,
            "M": told.time,
            "s": topic.symbol,
            "b": figures.levels(told.bids, pair.spec),
            "a": figures.levels(told.asks, pair.spec),
        }
        options = {"dp": topic.channel.partition("@")[2], "t": "snapshot" if told.is_whole else "delta"}
        yield text.compact({"T": "obu.SPOT"} | options | {"P": self._clock.now(), "d": data}).encode()

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """One message a trade."""
        for one in made:
            data = {
                "E": one.id,
                "M": one.time,
                "S": "buy" if one.taker_buys else "sell",
                "p": figures.short(one.price, pair.spec),
                "q": figures.quantity(one.qty),
                "s": topic.symbol,
                "ti": str(one.id),
            }
            yield text.compact({"T": "trade.SPOT", "P": self._clock.now(), "d": data})

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices, and the last trade."""
        data = {
            "A": figures.quantity(event.ask[1]),
            "B": figures.quantity(event.bid[1]),
            "E": event.update_id,
            "M": event.time,
            "a": figures.short(event.ask[0], pair.spec),
            "b": figures.short(event.bid[0], pair.spec),
            "l": figures.short(figures.last_price(pair), pair.spec),
            "s": topic.symbol,
        }
        yield text.compact({"T": "ticker.SPOT", "P": self._clock.now(), "d": data})


class KucoinRest(VenueRest):
    """Answers of the classic REST; refusals have a code and a status."""

    venue = "kucoin"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/api/v2/symbols": lambda asked: _data([_entry(pair.spec) for pair in self.pairs()]),
            "/api/v1/market/candles": self._candles,
            "/api/v1/market/orderbook/level2_100": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a symbol is unknown, or a parameter wrong."""
        if field == "symbol":
            return RestRefusal(200, {"code": "400100", "msg": "This pair is not provided at present"})
        return RestRefusal(400, {"code": "400100", "msg": f"Incorrect parameter: {field}"})

    def _candles(self, asked: AskedFields) -> Any:
        pair, interval = self.pair(asked, "symbol"), _INTERVALS.get(asked.text("type"))
        if interval is None:
            raise self.refusal("type")
        first, last = asked.optional("startAt") or 0, asked.optional("endAt")
        rows = self.candles(pair, interval, end_ms=None if last is None else last * 1_000, limit=_MOST_ROWS)
        shown = [one for one in rows if one.open_ms >= first * 1_000]
        return _data([_row(one, pair.spec) for one in reversed(shown)])

    def _book(self, asked: AskedFields) -> Any:
        pair = self.pair(asked, "symbol")
        sides = (("bids", pair.book.bids), ("asks", pair.book.asks))
        told = {name: figures.levels(side.top(_REST_LEVELS), pair.spec) for name, side in sides}
        return _data({"time": self.now_ms(), "sequence": str(pair.last_id)} | told)


def _data(data: object) -> dict[str, Any]:
    return {"code": "200000", "data": data}


def _entry(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "name": spec.symbol,
        "baseCurrency": spec.base,
        "quoteCurrency": spec.quote,
        "feeCurrency": spec.quote,
        "market": spec.quote,
        "baseMinSize": figures.quantity(spec.min_qty),
        "baseIncrement": figures.quantity(spec.step),
        "quoteIncrement": figures.worth(1, spec),
        "priceIncrement": figures.price(1, spec),
        "minFunds": spec.min_notional,
        "enableTrading": True,
    }


def _row(candle: VenueCandle, spec: Spec) -> list[str]:
    prices = (candle.open, candle.close, candle.high, candle.low)
    amounts = figures.quantity(candle.volume), figures.worth(candle.quote, spec)
    return [str(candle.open_ms // 1_000), *(figures.short(one, spec) for one in prices), *amounts]


PROTOCOL = VenueProtocol(
    name="kucoin",
    session=KucoinSession,
    sockets=("/ws",),
    ws_base="/ws",
    rest=lambda source, clock: KucoinRest(source, clock).routes(),
    specs=lambda base, quote: (usual(f"{base}-{quote}", base, quote),),
)
