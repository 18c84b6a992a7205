"""Speak OKX's API v5: spot and linear swaps over one address.

A request is acknowledged argument by argument. A change names the message before it (``prevSeqId``). The
sizes of a swap are contracts. Manual: OKX API v5, WebSocket and market data.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twap_server.venue import text
from twap_server.venue.book import Level
from twap_server.venue.candles import MONTH, WEEK, CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_DEPTH = 400
_BARS: dict[str, CandleInterval] = {
    "1m": minutes(1),
    "3m": minutes(3),
    "5m": minutes(5),
    "15m": minutes(15),
    "30m": minutes(30),
    "1H": minutes(60),
    "2H": minutes(120),
    "4H": minutes(240),
    "6Hutc": minutes(360),
    "12Hutc": minutes(720),
    "1Dutc": minutes(1_440),
    "1Wutc": WEEK,
    "1Mutc": MONTH,
}
_KINDS: dict[str, Kind] = {"books": "book", "trades": "trades", "tickers": "ticker"}
_MOST_ROWS = {"candles": 300, "history-candles": 100}
_RECENT_ROWS = 1_440
_CONTRACTS = {"BTC": 1_000_000, "ETH": 10_000_000}
"""How much of the base one contract is, in 10^-8."""


def specs(base: str, quote: str) -> list[Spec]:
    """A spot pair, and the swap of it."""
    spot = f"{base}-{quote}"
    contract = _CONTRACTS.get(base, 10**8)
    return [usual(spot, base, quote), usual(f"{spot}-SWAP", base, quote, contract=contract)]


def size(quantity: int, spec: Spec) -> str:
    """Write a quantity: of the base, or contracts."""
    if not spec.contract:
        return text.trimmed(quantity, text.QTY_DECIMALS)
    return text.trimmed(quantity * 10**text.QTY_DECIMALS // spec.contract, text.QTY_DECIMALS)


class OkxSession(TopicSession):
    """One connection to the public stream."""

    venue = "okx"

    def notice(self) -> str:
        """Tell of a planned close."""
        return (
            '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service '
            f'upgrade. Please reconnect.","connId":"{self.number:08x}"}}'
        )

    def request(self, message: Any) -> None:
        """Answer ``ping``, ``subscribe`` and ``unsubscribe``."""
        if message == "ping":
            self.say("pong", "control")
            return
        fields = message if isinstance(message, dict) else {}
        operation, arguments = fields.get("op"), fields.get("args")
        if operation not in ("subscribe", "unsubscribe") or not isinstance(arguments, list):
            self._refuse(fields, "60012", f"Invalid request: {message}")
            return
        for argument in arguments:
            self._argument(fields, argument if isinstance(argument, dict) else {})

    def _argument(self, fields: Mapping[str, Any], argument: Mapping[str, Any]) -> None:
        channel, symbol = str(argument.get("channel")), str(argument.get("instId"))
        kind = _KINDS.get(channel)
        if kind is None or self.pair(symbol) is None:
            self._refuse(fields, "60018", f"Wrong URL or channel:{channel},instId:{symbol} doesn't exist.")
            return
        told = {"event": fields["op"], "arg": argument, "connId": f"{self.number:08x}"}
        self.tell(_numbered(fields) | told)
        topic = Topic(kind, symbol, channel, _DEPTH)
        if fields["op"] == "subscribe":
            self.join(topic)
        else:
            self.leave(topic)

    def _refuse(self, fields: Mapping[str, Any], code: str, message: str) -> None:
        told = {"event": "error", "code": code, "msg": message, "connId": f"{self.number:08x}"}
        self.tell(_numbered(fields) | told)

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """A snapshot, or an update that names the message before it."""
        action, before = ("snapshot", -1) if told.is_whole else ("update", told.previous_id)
        yield (
            f'{{"arg":{{"channel":"books","instId":"{topic.symbol}"}},"action":"{action}","data":[{{'
            f'"asks":[{_levels(told.asks, pair.spec)}],"bids":[{_levels(told.bids, pair.spec)}],'
            f'"ts":"{told.time // 1_000_000}","checksum":0,"prevSeqId":{before},"seqId":{told.last_id}}}]}}'
        )

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """One message a trade."""
        spec = pair.spec
        return [
            f'{{"arg":{{"channel":"trades","instId":"{spec.symbol}"}},"data":[{{"instId":"{spec.symbol}",'
            f'"tradeId":"{one.id}","px":"{text.fixed(one.price, spec.price_decimals)}",'
            f'"sz":"{size(one.qty, spec)}","side":"{"buy" if one.taker_buys else "sell"}",'
            f'"ts":"{one.time // 1_000_000}","count":"1","source":"0"}}]}}'
            for one in made
        ]

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices; the figures of the day are left at zero."""
        spec, (bid, ask) = pair.spec, (event.bid, event.ask)
        yield (
            f'{{"arg":{{"channel":"tickers","instId":"{spec.symbol}"}},"data":[{{"instId":"{spec.symbol}",'
            f'"bidPx":"{text.fixed(bid[0], spec.price_decimals)}","bidSz":"{size(bid[1], spec)}",'
            f'"askPx":"{text.fixed(ask[0], spec.price_decimals)}","askSz":"{size(ask[1], spec)}",'
            f'"ts":"{event.time // 1_000_000}"}}]}}'
        )


def _numbered(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": fields["id"]} if "id" in fields else {}


def _levels(levels: Iterable[Level], spec: Spec) -> str:
    return ",".join(
        f'["{text.fixed(price, spec.price_decimals)}","{size(qty, spec)}","0","{1 if qty else 0}"]'
        for price, qty in levels
    )


class OkxRest(VenueRest):
    """Answers under ``/api/v5``; refusals are bodies with a code."""

    venue = "okx"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/api/v5/public/instruments": self._instruments,
            "/api/v5/market/{endpoint:path}": self._market,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that an instrument is unknown, or a parameter wrong."""
        if field == "instId":
            return RestRefusal(200, {"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []})
        return RestRefusal(400, {"code": "51000", "msg": f"Parameter {field} error", "data": []})

    def _instruments(self, asked: AskedFields) -> Any:
        swaps = {"SPOT": False, "SWAP": True}.get(asked.text("instType"))
        if swaps is None:
            raise self.refusal("instType")
        pairs = [self.pair(asked, "instId")] if asked.has("instId") else self.pairs()
        return _data([_entry(pair.spec) for pair in pairs if bool(pair.spec.contract) is swaps])

    def _market(self, asked: AskedFields) -> Any:
        pair, endpoint = self.pair(asked, "instId"), asked.text("endpoint")
        if endpoint == "books":
            return _data([self._book(pair, min(asked.integer("sz", 1), _DEPTH))])
        if endpoint not in _MOST_ROWS:
            raise RestRefusal(404, {"code": "404", "msg": "Not Found", "data": []})
        interval = _BARS.get(asked.text("bar", "1m"))
        if interval is None:
            raise self.refusal("bar")
        before, limit = asked.optional("after"), min(asked.integer("limit", 100), _MOST_ROWS[endpoint])
        newest = self.candles(pair, interval, limit=_RECENT_ROWS)
        if endpoint == "candles":
            rows = [one for one in newest if before is None or one.open_ms < before][-limit:]
        else:
            rows = self.candles(pair, interval, end_ms=before - 1 if before else None, limit=limit)
        last = newest[-1].open_ms if newest else 0
        return _data([_row(one, pair.spec, closed=one.open_ms < last) for one in reversed(rows)])

    def _book(self, pair: Pair, depth: int) -> dict[str, Any]:
        sides = {
            name: [
                [text.fixed(price, pair.spec.price_decimals), size(qty, pair.spec), "0", "1"]
                for price, qty in side.top(depth)
            ]
            for name, side in (("asks", pair.book.asks), ("bids", pair.book.bids))
        }
        return {**sides, "ts": str(self.now_ms()), "seqId": pair.last_id}


def _data(rows: list[Any]) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": rows}


def _entry(spec: Spec) -> dict[str, str]:
    swap, lot, least = bool(spec.contract), spec.step, spec.min_qty
    return {
        "instType": "SWAP" if swap else "SPOT",
        "instId": spec.symbol,
        "uly": f"{spec.base}-{spec.quote}" if swap else "",
        "baseCcy": "" if swap else spec.base,
        "quoteCcy": "" if swap else spec.quote,
        "settleCcy": spec.quote if swap else "",
        "ctType": "linear" if swap else "",
        "ctVal": text.trimmed(spec.contract, text.QTY_DECIMALS) if swap else "",
        "ctMult": "1" if swap else "",
        "ctValCcy": spec.base if swap else "",
        "tickSz": text.fixed(1, spec.price_decimals),
        "lotSz": size(lot, spec),
        "minSz": size(least, spec),
        "state": "live",
    }


def _row(candle: VenueCandle, spec: Spec, *, closed: bool) -> list[str]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    base = text.trimmed(candle.volume, text.QTY_DECIMALS)
    quote = text.trimmed(candle.quote, text.QTY_DECIMALS + spec.price_decimals)
    return [
        str(candle.open_ms),
        *(text.fixed(price, spec.price_decimals) for price in prices),
        size(candle.volume, spec),
        base,
        quote,
        "1" if closed else "0",
    ]


PROTOCOL = VenueProtocol(
    name="okx",
    session=OkxSession,
    sockets=("/ws/v5/public",),
    ws_base="/ws/v5/public",
    rest=lambda source, clock: OkxRest(source, clock).routes(),
    specs=specs,
)
