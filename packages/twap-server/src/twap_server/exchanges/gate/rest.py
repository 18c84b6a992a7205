"""Translate Gate's REST bodies to the domain. Errors come with an HTTP status."""

from msgspec import Raw

from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name, step_of, whole
from twap_server.exchanges.gate import wire

_decode_pairs = decoder(list[Raw])
_decode_pair = decoder(wire.Pair)
_decode_rows = decoder(list[Raw])
_decode_row = decoder(wire.CandleRow)
_decode_book = decoder(wire.Book)


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``/spot/currency_pairs``."""

    def read(raw: Raw) -> Instrument:
        return _instrument(_decode_pair(bytes(raw)), exchange)

    return read_each(_decode_pairs(body), read, name=named_by("id"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``/spot/candlesticks``, oldest first there."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(whole(row.open_time), figures, seconds=seconds)

    return read_each(_decode_rows(body), read, name=row_name)


def book(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``/spot/order_book``: its id is that of the newest update in it."""
    read = _decode_book(body)
    return BookSnapshot(symbol=symbol, bids=read.bids, asks=read.asks, last_id=read.id)


def _instrument(pair: wire.Pair, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, f"{pair.base}-{pair.quote}"),
        native=pair.id,
        base=pair.base,
        quote=pair.quote,
        tick_size=step_of(pair.precision),
        lot_size=step_of(pair.amount_precision),
        min_quantity=number(pair.min_base_amount or "0", signed=True),
        min_notional=number(pair.min_quote_amount or "0", signed=True),
        status=TRADING if pair.trade_status == "tradable" else pair.trade_status.lower(),
    )
