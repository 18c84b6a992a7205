"""Serve Bitfinex's REST v2: lists of arrays, refusals as arrays too.

Manual: REST v2 (configs, candles, books).
"""

from collections.abc import Mapping
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.candles import MONTH, CandleInterval, VenueCandle, minutes
from twap_server.venue.protocols.bitfinex import wire
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Spec

_FRAMES: dict[str, CandleInterval] = {
    **{f"{count}m": minutes(count) for count in (1, 5, 15, 30)},
    **{f"{count}h": minutes(60 * count) for count in (1, 3, 6, 12)},
    "1D": minutes(1_440),
    "1W": minutes(7 * 1_440),
    "14D": minutes(14 * 1_440),
    "1M": MONTH,
}
_USUAL_ROWS, _MOST_ROWS = 100, 10_000
_LENGTHS = (25, 100)


class BitfinexRest(VenueRest):
    """Answers under ``/v2``."""

    venue = "bitfinex"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/v2/platform/status": lambda asked: [1],
            "/v2/conf/{keys:path}": self._lists,
            "/v2/candles/{key}/hist": self._candles,
            "/v2/book/{symbol}/P0": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a parameter is wrong."""
        return RestRefusal(500, ["error", 10020, f"{field}: invalid"])

    def _lists(self, asked: AskedFields) -> Any:
        """Answer each of the lists that were asked for; an unknown one is empty."""
        specs = [pair.spec for pair in self.pairs()]
        known = {
            "pub:list:pair:exchange": [one.symbol[1:] for one in specs],
            "pub:info:pair": [_info(one) for one in specs],
            "pub:map:currency:sym": [list(one) for one in wire.ASSET_NAMES],
        }
        return [known.get(key, []) for key in asked.text("keys").split(",")]

    def _candles(self, asked: AskedFields) -> Any:
        word, _, rest = asked.text("key").partition(":")
        frame, _, symbol = rest.partition(":")
        pair, interval = self._source.pairs(self.venue).get(symbol), _FRAMES.get(frame)
        if word != "trade" or pair is None or interval is None:
            raise self.refusal("symbol" if pair is None else "timeframe")
        limit, order = asked.integer("limit", _USUAL_ROWS), asked.text("sort", "-1")
        if not 1 <= limit <= _MOST_ROWS or order not in ("1", "-1"):
            raise self.refusal("limit" if order in ("1", "-1") else "sort")
        start, end = asked.optional("start"), asked.optional("end")
        if order == "1":
            rows = self.candles(pair, interval, start_ms=start or 0, end_ms=end, limit=limit)
        else:
            found = self.candles(pair, interval, end_ms=end, limit=limit)
            rows = [one for one in reversed(found) if one.open_ms >= (start or 0)]
        return f"[{','.join(_row(one, pair.spec) for one in rows)}]".encode()

    def _book(self, asked: AskedFields) -> Any:
        pair, length = self.pair(asked, "symbol"), asked.integer("len", _LENGTHS[0])
        if length not in _LENGTHS:
            raise self.refusal("len")
        written = wire.levels(pair.book.bids.top(length), pair.book.asks.top(length), pair.spec)
        return f"[{','.join(written)}]".encode()


def _info(spec: Spec) -> list[Any]:
    figures_of = [
        None,
        None,
        None,
        figures.quantity(spec.min_qty),
        "2000",
        None,
        None,
        None,
        None,
        None,
        None,
    ]
    return [spec.symbol[1:], [*figures_of, None]]


def _row(candle: VenueCandle, spec: Spec) -> str:
    prices = (candle.open, candle.close, candle.high, candle.low)
    written = ",".join(wire.number(one, spec.price_decimals) for one in prices)
    return f"[{candle.open_ms},{written},{wire.number(candle.volume, text.QTY_DECIMALS)}]"
