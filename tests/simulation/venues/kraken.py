"""Kraken Spot as a client meets it: books of a fixed depth with checksums, heartbeats, ``AssetPairs``."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from simulation.venues.truth import Change, Levels, Spec, Truth
from simulation.venues.venue import GARBAGE, Venue, VenueSession, json_answer
from simulation.venues.wire import Answer, SocketEnd

SPECS = (
    Spec(
        venue="kraken", base="BTC", quote="USDT", native="XBTUSDT", price_places=1, quantity_places=8,
        mid=600_000, size=15_000_000, spread=8, min_quantity=5_000, min_notional="0.5",
    ),
    Spec(
        venue="kraken", base="ETH", quote="USDT", native="ETHUSDT", price_places=2, quantity_places=8,
        mid=300_000, size=200_000_000, spread=9, min_quantity=100_000, min_notional="0.5",
    ),
)  # fmt: skip
_REST_BASES = {"BTC": "XBT"}
_HEARTBEAT_S = 1.0
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class KrakenVenue(Venue):
    """Everything but the list of pairs comes on the stream."""

    name = "kraken"

    def make_session(self, socket: SocketEnd) -> VenueSession:
        return KrakenSession(self, socket)

    def answer(self, path: str, query: dict[str, str]) -> Answer | None:
        if path == "/0/public/AssetPairs":
            pairs = {truth.spec.native: _pair(truth.spec) for truth in self.truths.values() if truth.listed}
            return json_answer(
                json.dumps({"error": [], "result": {**pairs, "DARK.d": {"altname": "DARK.d"}}})
            )
        return json_answer('{"error":["EQuery:Unknown asset pair"]}')

    def stamp(self) -> str:
        """Now, as the stream writes it."""
        moment = _UNIX + timedelta(milliseconds=self.wall_ms())
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class KrakenSession(VenueSession):
    """One v2 connection."""

    venue: KrakenVenue

    def __init__(self, venue: Venue, socket: SocketEnd) -> None:
        super().__init__(venue, socket)
        self._books: dict[str, int] = {}
        self._shown: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        self._trading: set[str] = set()
        self._is_over = False

    def begin(self) -> None:
        super().begin()
        self.say('{"channel":"status","type":"update","data":[{"system":"online","api_version":"v2"}]}')

    def end(self) -> None:
        super().end()
        self._is_over = True

    def receive(self, text: str) -> None:
        request = json.loads(text)
        number, params = request["req_id"], request.get("params") or {}
        if request["method"] == "ping":
            self.say(f'{{"method":"pong","req_id":{number},"success":true}}')
            return
        if request["method"] == "subscribe" and self.venue.take("no ack"):
            return
        if params["channel"] == "instrument":
            self._reference(number)
            return
        for symbol in params["symbol"]:
            truth = self._find(symbol)
            if truth is None or not truth.listed:
                self.say(
                    f'{{"error":"Currency pair not supported {symbol}","method":"{request["method"]}",'
                    f'"req_id":{number},"success":false,"symbol":"{symbol}"}}'
                )
            else:
                self._change(request["method"], params, symbol, truth, number)

    def _reference(self, number: int) -> None:
        self.say(
            f'{{"method":"subscribe","req_id":{number},"success":true,"result":{{"channel":"instrument"}}}}'
        )
        pairs = ",".join(
            f'{{"symbol":"{truth.spec.base}/{truth.spec.quote}","status":"online"}}'
            for truth in self.venue.truths.values()
            if truth.listed
        )
        self.say(f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[],"pairs":[{pairs}]}}}}')

    def _change(self, method: str, params: dict[str, Any], symbol: str, truth: Truth, number: int) -> None:
        channel = params["channel"]
        self.say(
            f'{{"method":"{method}","req_id":{number},"success":true,'
            f'"result":{{"channel":"{channel}","symbol":"{symbol}"}}}}'
        )
        if channel == "trade":
            (self._trading.add if method == "subscribe" else self._trading.discard)(symbol)
        elif method == "unsubscribe":
            self._books.pop(symbol, None)
        else:
            if not self._books:
                self.venue.loop.call_later(_HEARTBEAT_S, self._beat)
            self._books[symbol] = params["depth"]
            self._snapshot(symbol, truth)

    def _beat(self) -> None:
        if not self._is_over and self._books:
            self.say('{"channel":"heartbeat"}')
            self.venue.loop.call_later(_HEARTBEAT_S, self._beat)

    def _find(self, symbol: str) -> Truth | None:
        for truth in self.venue.truths.values():
            if symbol == f"{truth.spec.base}/{truth.spec.quote}":
                return truth
        return None

    def _snapshot(self, symbol: str, truth: Truth) -> None:
        depth = self._books[symbol]
        bids, asks = truth.now.bids[:depth], truth.now.asks[:depth]
        self._shown[symbol] = dict(bids), dict(asks)
        if truth.now.asks and self.venue.take("zero price"):
            asks = ((0, 5), *asks)
        self.say(self._book("snapshot", symbol, truth, bids, asks))

    def hear(self, truth: Truth, change: Change) -> None:
        symbol = f"{truth.spec.base}/{truth.spec.quote}"
        if symbol not in self._books:
            return
        if change.trades and symbol in self._trading:
            self._trades(symbol, truth, change)
        depth = self._books[symbol]
        shown = self._shown[symbol]
        bids = _difference(shown[0], truth.now.bids[:depth], truth.bids)
        asks = _difference(shown[1], truth.now.asks[:depth], truth.asks)
        if bids or asks:
            self.say_book(self._book("update", symbol, truth, bids, asks), truth)

    def _book(
        self,
        kind: str,
        symbol: str,
        truth: Truth,
        bids: Levels | list[tuple[int, int]],
        asks: Levels | list[tuple[int, int]],
    ) -> str:
        spec = truth.spec
        if kind == "update" and truth.now.asks and self.venue.take("crossed"):
            bids = [*bids, (truth.now.asks[0][0] + 3, spec.size)]
        total = checksum(truth) + self.venue.take("badsum")
        checked = "" if self.venue.take("no checksum") else f',"checksum":{total}'
        told_bids, told_asks = _levels(spec, bids), _levels(spec, asks)
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{told_bids}],'
            f'"asks":[{told_asks}]{checked},"timestamp":"{self.venue.stamp()}"}}]}}'
        )

    def _trades(self, symbol: str, truth: Truth, change: Change) -> None:
        spec, side = truth.spec, "buy" if change.taker_buys else "sell"
        rows = ",".join(
            f'{{"symbol":"{symbol}","side":"{side}","price":{spec.price_text(price)},'
            f'"qty":{spec.quantity_text(lots)},"ord_type":"market",'
            f'"trade_id":{truth.number * 100 + number},"timestamp":"{self.venue.stamp()}"}}'
            for number, (price, lots) in enumerate(change.trades)
        )
        self.say(f'{{"channel":"trade","type":"update","data":[{rows}]}}')

    def rubbish(self) -> None:
        """Send what is no message."""
        sent = GARBAGE[self.venue.rng.randrange(len(GARBAGE))]
        self.socket.send(sent) if isinstance(sent, str) else self.socket.send_binary(sent)

    def goodbye(self) -> None:
        self.venue.loop.call_later(1.0, self._close)

    def _close(self) -> None:
        if not self._is_over:
            self.socket.close(1001, "maintenance")


def checksum(truth: Truth) -> int:
    """CRC32 of the ten best asks and bids as digits."""
    spec = truth.spec
    text = "".join(
        str(price) + str(lots)  # ticks and lots are the digits without point and leading zeros
        for levels in (truth.now.asks[:10], truth.now.bids[:10])
        for price, lots in levels
    )
    assert spec.price_places and spec.quantity_places
    return crc32(text.encode())


def _difference(shown: dict[int, int], top: Levels, whole: dict[int, int]) -> list[tuple[int, int]]:
    wanted = dict(top)
    gone = [(price, 0) for price in shown if price not in wanted and price not in whole]
    new = [(price, lots) for price, lots in top if shown.get(price) != lots]
    shown.clear()
    shown.update(wanted)
    return gone + new


def _levels(spec: Spec, levels: Levels | list[tuple[int, int]]) -> str:
    return ",".join(f'{{"price":{spec.price_text(p)},"qty":{spec.quantity_text(q)}}}' for p, q in levels)


def _pair(spec: Spec) -> dict[str, Any]:
    base = _REST_BASES.get(spec.base, spec.base)
    return {
        "altname": spec.native,
        "wsname": f"{base}/{spec.quote}",
        "pair_decimals": spec.price_places,
        "lot_decimals": spec.quantity_places,
        "tick_size": spec.price_text(1),
        "ordermin": spec.quantity_text(spec.min_quantity),
        "costmin": spec.min_notional,
        "status": "online",
    }
