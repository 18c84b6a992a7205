"""Translate Gemini's REST bodies to the domain. Errors come with an HTTP status."""

from decimal import Decimal

from msgspec import Raw

from twap_server.domain.exact import ZERO
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import LIMIT_ONLY, TRADING, Instrument, InstrumentId
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name
from twap_server.exchanges.gemini import wire

_decode_entries = decoder(list[Raw])
_decode_details = decoder(wire.Details)
_decode_row = decoder(wire.CandleRow)
_decode_book = decoder(wire.RestBook)

_STATUSES = {"open": TRADING, "limit_only": LIMIT_ONLY}


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``symbols/details/all``: spot alone."""

    def read(raw: Raw) -> Instrument | None:
        details = _decode_details(bytes(raw))
        return _instrument(details, exchange) if details.product_type in (None, "spot") else None

    return read_each(_decode_entries(body), read, name=named_by("symbol"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read candles, newest first there."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = map(str, (row.open, row.high, row.low, row.close, row.volume))
        return candle(row.open_time, figures, seconds=seconds)

    rows = read_each(_decode_entries(body), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read a book. For comparison only: it has no number."""
    book = _decode_book(body)
    return BookSnapshot(
        symbol=symbol,
        bids=[(one.price, one.amount) for one in book.bids],
        asks=[(one.price, one.amount) for one in book.asks],
    )


def _instrument(details: wire.Details, exchange: str) -> Instrument:
    base, quote = details.base_currency.upper(), details.quote_currency.upper()
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=details.symbol.lower(),
        base=base,
        quote=quote,
        tick_size=_step(details.quote_increment),
        lot_size=_step(details.tick_size),
        min_quantity=number(details.min_order_size, signed=True),
        min_notional=ZERO,  # it states none
        status=_STATUSES.get(details.status, details.status.lower()),
    )


def _step(told: Decimal) -> Decimal:
    return number(str(told), signed=True)
