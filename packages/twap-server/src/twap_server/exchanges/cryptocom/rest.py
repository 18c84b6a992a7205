"""Translate Crypto.com's REST bodies to the domain. An error may come with HTTP 200: the code tells."""

from msgspec import Raw

from twap_server.domain.exact import ZERO
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.exchanges.cryptocom import mapper, refusals, wire
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name

_decode_body = decoder(wire.Body)
_decode_listed = decoder(wire.Listed)
_decode_kind = decoder(wire.Kind)
_decode_instrument = decoder(wire.InstrumentEntry)
_decode_row = decoder(wire.CandleRow)
_decode_book = decoder(wire.RestBook)


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``get-instruments``: spot alone."""

    def read(raw: Raw) -> Instrument | None:
        if _decode_kind(bytes(raw)).inst_type != wire.SPOT:
            return None
        return _instrument(_decode_instrument(bytes(raw)), exchange)

    return read_each(_data(body), read, name=named_by("symbol"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``get-candlestick``, in whatever order the rows come."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        return candle(row.t, (row.o, row.h, row.l, row.c, row.v), seconds=seconds)

    rows = read_each(_data(body), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``get-book``. For comparison only."""
    books = _data(body)
    if len(books) != 1:
        raise WireFormatError("expected one book")
    return mapper.snapshot(_decode_book(bytes(books[0])), symbol)


def _instrument(entry: wire.InstrumentEntry, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, f"{entry.base_ccy}-{entry.quote_ccy}"),
        native=entry.symbol,
        base=entry.base_ccy,
        quote=entry.quote_ccy,
        tick_size=number(entry.price_tick_size, signed=True),
        lot_size=number(entry.qty_tick_size, signed=True),
        min_quantity=ZERO,  # it states none
        min_notional=ZERO,  # nor here
        status=TRADING if entry.tradable else "disabled",
    )


def _data(body: bytes) -> list[Raw]:
    """What an answer lists.

    Raises:
        TwapError: it is an error.
    """
    answer = _decode_body(body)
    if answer.code:
        raise refusals.failure(answer.code, answer.message)
    return _decode_listed(bytes(answer.result)).data
