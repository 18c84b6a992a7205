"""Translate Bitget's REST bodies to the domain. An error may come with HTTP 200: the code tells."""

from decimal import Decimal

from msgspec import Raw

from twap_models.enums import Interval
from twap_server.domain.clock import SECOND
from twap_server.domain.exact import ZERO
from twap_server.domain.market.candles import bucket_end
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.exchanges.bitget import mapper, refusals, wire
from twap_server.exchanges.decode import (
    candle,
    decoder,
    from_epoch,
    named_by,
    number,
    row_name,
    step_of,
    whole,
)

_decode_body = decoder(wire.Body)
_decode_entries = decoder(list[Raw])
_decode_symbol = decoder(wire.SymbolEntry)
_decode_row = decoder(wire.CandleRow)
_decode_book = decoder(wire.RestBook)

_FINE = "00000"


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``public/symbols``."""

    def read(raw: Raw) -> Instrument:
        return _instrument(_decode_symbol(bytes(raw)), exchange)

    return read_each(_decode_entries(_data(body)), read, name=named_by("symbol"))


def candles(body: bytes, interval: Interval) -> Entries[Candle]:
    """Read ``candles`` or ``history-candles``."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        begin = whole(row.open_time)
        opens = from_epoch(begin)
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(begin, figures, seconds=(bucket_end(opens, interval) - opens) // SECOND)

    rows = read_each(_decode_entries(_data(body)), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``orderbook``. For comparison only: it has no number."""
    book = _decode_book(_data(body))
    return BookSnapshot(
        symbol=symbol,
        bids=mapper.levels(book.bids),
        asks=mapper.levels(book.asks),
        ts_exchange=from_epoch(whole(book.ts)),
    )


def _instrument(entry: wire.SymbolEntry, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, f"{entry.base_coin}-{entry.quote_coin}"),
        native=entry.symbol,
        base=entry.base_coin,
        quote=entry.quote_coin,
        tick_size=step_of(whole(entry.price_precision)),
        lot_size=step_of(whole(entry.quantity_precision)),
        min_quantity=number(entry.min_trade_amount, signed=True),
        min_notional=_least_value(entry),
        status=TRADING if entry.status == "online" else entry.status.lower(),
    )


def _least_value(entry: wire.SymbolEntry) -> Decimal:
    """The smallest value, where it is said in the quote currency; elsewhere none is known."""
    value = number(entry.min_trade_usdt, signed=True)
    return value if entry.quote_coin == "USDT" else ZERO


def _data(body: bytes) -> bytes:
    """What an answer holds.

    Raises:
        TwapError: it is an error.
    """
    answer = _decode_body(body)
    if answer.code != _FINE:
        raise refusals.failure(answer.code, answer.msg)
    return bytes(answer.data)
