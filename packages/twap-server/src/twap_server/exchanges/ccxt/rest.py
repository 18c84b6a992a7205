"""Translate the lists of the process that runs ccxt to the domain."""

from collections.abc import Callable

from msgspec import Raw

from twap_models.enums import InstrumentKind
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.symbols import symbol_of
from twap_server.exchanges.ccxt import mapper, wire
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name

_decode_entries = decoder(list[Raw])
_decode_market = decoder(wire.Market)
_decode_row: Callable[[bytes | str], wire.CandleRow] = decoder(wire.CandleRow)  # type: ignore[arg-type]
_decode_book = decoder(wire.Book)


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read the list of markets."""

    def read(raw: Raw) -> Instrument:
        return _instrument(_decode_market(bytes(raw)), exchange)

    return read_each(_decode_entries(body), read, name=named_by("symbol"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read a page of candles, oldest first."""

    def read(raw: Raw) -> Candle:
        opens, *figures = _decode_row(bytes(raw))
        return candle(opens, figures, seconds=seconds)

    return read_each(_decode_entries(body), read, name=row_name)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read a book."""
    return mapper.book(_decode_book(body), symbol)


def _instrument(market: wire.Market, exchange: str) -> Instrument:
    kind = InstrumentKind.PERPETUAL if market.settle else InstrumentKind.SPOT
    base, quote = market.base.upper(), market.quote.upper()
    return Instrument(
        id=InstrumentId(exchange, symbol_of(base, quote, kind)),
        native=market.symbol,
        base=base,
        quote=quote,
        tick_size=number(market.tick, signed=True),
        lot_size=number(market.lot, signed=True),
        min_quantity=number(market.min_quantity, signed=True),
        min_notional=number(market.min_notional, signed=True),
        status=market.status.lower(),
        aliases=(market.alias,) if market.alias else (),
        kind=kind,
        settle=market.settle.upper(),
        multiplier=number(market.contract_size),
        price_digits=market.price_digits,
    )
