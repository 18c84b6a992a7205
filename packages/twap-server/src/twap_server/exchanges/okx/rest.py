"""Translate OKX's REST bodies to the domain. Errors may come with HTTP 200 in the body."""

from decimal import Decimal
from typing import Final

import msgspec

from twap_models.enums import InstrumentKind, Interval
from twap_server.domain.clock import SECOND
from twap_server.domain.exact import ONE, ZERO, multiply
from twap_server.domain.market.candles import bucket_end
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.symbols import symbol_of
from twap_server.exchanges.decode import candle, decoder, from_epoch, named_by, number, row_name, whole
from twap_server.exchanges.okx import mapper, refusals, wire

_decode_body = decoder(wire.Body)
_decode_entries = decoder(list[msgspec.Raw])
_decode_kind = decoder(wire.EntryKind)
_decode_pair = decoder(wire.Pair)
_decode_contract = decoder(wire.Contract)
_decode_row = decoder(wire.CandleRow)
_decode_books = decoder(list[wire.RestBook])

KINDS: Final = {InstrumentKind.SPOT: "SPOT", InstrumentKind.PERPETUAL: "SWAP"}
"""How the exchange calls them."""
_LINEAR = "linear"
_SETTLED_IN = ("USDT", "USDC")


def instruments(body: bytes, exchange: str, kind: InstrumentKind) -> Entries[Instrument]:
    """Read what ``public/instruments`` lists of one kind: pairs of spot, or swaps that are linear."""

    def read(raw: msgspec.Raw) -> Instrument | None:
        entry = bytes(raw)
        told = _decode_kind(entry)
        if told.inst_type != KINDS[kind]:
            return None
        if kind is InstrumentKind.SPOT:
            return _pair(_decode_pair(entry), exchange)
        is_collected = told.ct_type == _LINEAR and told.settle_ccy in _SETTLED_IN
        return _swap(_decode_contract(entry), exchange) if is_collected else None

    return read_each(_decode_entries(_data(body)), read, name=named_by("instId"))


def candles(body: bytes, interval: Interval, multiplier: Decimal) -> Entries[Candle]:
    """Read ``candles`` or ``history-candles``, newest first there."""

    def read(raw: msgspec.Raw) -> Candle:
        row = _decode_row(bytes(raw))
        begin = whole(row.open_time)
        opens = from_epoch(begin)
        figures = (row.open, row.high, row.low, row.close, row.volume)
        seconds = (bucket_end(opens, interval) - opens) // SECOND
        return candle(begin, figures, seconds=seconds, multiplier=multiplier)

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


def _pair(entry: wire.Pair, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, symbol_of(entry.base_ccy, entry.quote_ccy)),
        native=entry.inst_id,
        base=entry.base_ccy,
        quote=entry.quote_ccy,
        tick_size=_step(entry.tick_sz),
        lot_size=_step(entry.lot_sz),
        min_quantity=_step(entry.min_sz),
        min_notional=ZERO,  # it has none
        status=_status(entry),
    )


def _swap(entry: wire.Contract, exchange: str) -> Instrument | None:
    """Read a swap; None where it is not quoted in what it is paid in, which its name tells."""
    base, quote, kind = entry.ct_val_ccy, entry.settle_ccy, InstrumentKind.PERPETUAL
    if entry.inst_id != f"{base}-{quote}-SWAP":
        return None
    size = number(entry.ct_val)
    if not size or number(entry.ct_mult) != ONE:
        raise WireFormatError("how much is in a contract cannot be told")
    return Instrument(
        id=InstrumentId(exchange, symbol_of(base, quote, kind)),
        native=entry.inst_id,
        base=base,
        quote=quote,
        kind=kind,
        settle=quote,
        multiplier=size,
        tick_size=_step(entry.tick_sz),
        lot_size=multiply(_step(entry.lot_sz), size),
        min_quantity=multiply(_step(entry.min_sz), size),
        min_notional=ZERO,
        status=_status(entry),
    )


def _status(entry: wire.Entry) -> str:
    return TRADING if entry.state == "live" else entry.state.lower()


def _step(text: str) -> Decimal:
    """Read a step; 0 where it is not told yet."""
    return number(text, signed=True) if text else ZERO


def _data(body: bytes) -> bytes:
    answer = _decode_body(body)
    if answer.code != "0":
        raise refusals.failure(answer.code)
    return bytes(answer.data)
