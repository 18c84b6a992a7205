"""Translate OKX's REST bodies to the domain. Errors may come with HTTP 200 in the body."""

from decimal import Decimal

import msgspec

from twap_models.enums import Interval
from twap_server.domain.clock import SECOND
from twap_server.domain.exact import ZERO
from twap_server.domain.market.candles import bucket_end
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.exchanges.decode import candle, decoder, from_epoch, named_by, number, row_name, whole
from twap_server.exchanges.okx import mapper, refusals, wire

_decode_body = decoder(wire.Body)
_decode_entries = decoder(list[msgspec.Raw])
_decode_instrument = decoder(wire.InstrumentEntry)
_decode_row = decoder(wire.CandleRow)
_decode_books = decoder(list[wire.RestBook])


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``public/instruments``: spot alone."""

    def read(raw: msgspec.Raw) -> Instrument | None:
        entry = _decode_instrument(bytes(raw))
        return _instrument(entry, exchange) if entry.inst_type == "SPOT" else None

    return read_each(_decode_entries(_data(body)), read, name=named_by("instId"))


def candles(body: bytes, interval: Interval) -> Entries[Candle]:
    """Read ``candles`` or ``history-candles``, newest first there."""

    def read(raw: msgspec.Raw) -> Candle:
        row = _decode_row(bytes(raw))
        begin = whole(row.open_time)
        opens = from_epoch(begin)
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(begin, figures, seconds=(bucket_end(opens, interval) - opens) // SECOND)

    rows = read_each(_decode_entries(_data(body)), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``market/books``."""
    books = _decode_books(_data(body))
    if len(books) != 1:
        raise WireFormatError("expected one book")
    (book,) = books
    return BookSnapshot(
        symbol=symbol,
        bids=mapper.levels(book.bids),
        asks=mapper.levels(book.asks),
        last_id=book.seq_id,
        ts_exchange=mapper.moment(book.ts),
    )


def _instrument(entry: wire.InstrumentEntry, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, f"{entry.base_ccy}-{entry.quote_ccy}"),
        native=entry.inst_id,
        base=entry.base_ccy,
        quote=entry.quote_ccy,
        tick_size=_step(entry.tick_sz),
        lot_size=_step(entry.lot_sz),
        min_quantity=_step(entry.min_sz),
        min_notional=ZERO,  # it has none
        status=TRADING if entry.state == "live" else entry.state.lower(),
    )


def _step(text: str) -> Decimal:
    """Read a step; 0 where it is not told yet."""
    return number(text, signed=True) if text else ZERO


def _data(body: bytes) -> bytes:
    answer = _decode_body(body)
    if answer.code != "0":
        raise refusals.failure(answer.code)
    return bytes(answer.data)
