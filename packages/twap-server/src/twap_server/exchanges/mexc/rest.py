"""Translate MEXC's REST bodies to the domain. Errors come with an HTTP status."""

from msgspec import Raw

from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name, step_of
from twap_server.exchanges.mexc import wire

_decode_listed = decoder(wire.Listed)
_decode_symbol = decoder(wire.SymbolEntry)
_decode_rows = decoder(list[Raw])
_decode_row = decoder(wire.CandleRow)
_decode_book = decoder(wire.RestBook)

_STATUSES = {"1": TRADING, "ENABLED": TRADING, "2": "paused", "3": "offline"}


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``exchangeInfo``."""

    def read(raw: Raw) -> Instrument:
        return _instrument(_decode_symbol(bytes(raw)), exchange)

    return read_each(_decode_listed(body).symbols, read, name=named_by("symbol"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``klines``, oldest first there."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(row.open_time, figures, seconds=seconds)

    return read_each(_decode_rows(body), read, name=row_name)


def book(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``depth``: its number is that of the newest change in it."""
    read = _decode_book(body)
    return BookSnapshot(symbol=symbol, bids=read.bids, asks=read.asks, last_id=read.last_update_id)


def _instrument(entry: wire.SymbolEntry, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, f"{entry.base_asset}-{entry.quote_asset}"),
        native=entry.symbol,
        base=entry.base_asset,
        quote=entry.quote_asset,
        tick_size=step_of(entry.quote_asset_precision),
        lot_size=step_of(entry.base_asset_precision),
        min_quantity=number(entry.base_size_precision, signed=True),
        min_notional=number(entry.quote_amount_precision, signed=True),
        status=_status(entry),
    )


def _status(entry: wire.SymbolEntry) -> str:
    """Whether it is traded at all, which the manual says in a number or in a word, and as spot."""
    told = _STATUSES.get(entry.status, entry.status.lower())
    return told if entry.is_spot_trading_allowed or told != TRADING else "disabled"
