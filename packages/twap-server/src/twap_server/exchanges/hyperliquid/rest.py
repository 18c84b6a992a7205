"""Write Hyperliquid's questions, and translate the answers to the domain. One address takes them all."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Raw

from twap_models.enums import InstrumentKind
from twap_server.domain.errors import UnknownSymbol
from twap_server.domain.exact import ZERO
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import DELISTED, TRADING, Instrument, InstrumentId
from twap_server.domain.market.refusal import WORDS, RefusalKind
from twap_server.domain.market.symbols import symbol_of
from twap_server.exchanges.base import HttpRequest
from twap_server.exchanges.decode import candle, decoder, named_by, row_name
from twap_server.exchanges.hyperliquid import mapper, wire

_decode_universe = decoder(wire.Universe)
_decode_tokens = decoder(wire.Tokens)
_decode_token = decoder(wire.Token)
_decode_perpetual = decoder(wire.Perpetual)
_decode_pair = decoder(wire.Pair)
_decode_rows = decoder(list[Raw])
_decode_row = decoder(wire.Candle)

WEIGHT: Final = 20
"""Of most questions."""
_DIGITS: Final = 5
"""Significant digits of a price; whole numbers may have more."""
_PERPETUAL_DECIMALS, _SPOT_DECIMALS = 6, 8
"""So many decimals has a price, less those of a quantity."""
_LEAST_VALUE: Final = Decimal(10)
"""Of an order, in its quote currency; the lists do not say it."""
_QUOTE, _SETTLE = "USD", "USDC"
"""Of perpetuals: priced in dollars, paid in USDC."""
_NOTHING: Final = b"null"


def question(asked: wire.Question, *, weight: int = WEIGHT) -> HttpRequest:
    """Make the request of a question."""
    return HttpRequest(path="/info", body=msgspec.json.encode(asked), weight=weight)


def perpetuals(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``meta``."""

    def read(raw: Raw) -> Instrument:
        return _perpetual(_decode_perpetual(bytes(raw)), exchange)

    return read_each(_decode_universe(body).universe, read, name=named_by("name"))


def pairs(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``spotMeta``; a pair with an asset that cannot be read is left out by its name."""
    listed = read_each(_decode_tokens(body).tokens, _token, name=named_by("name"))
    tokens = {one.index: one for one in listed.found}

    def read(raw: Raw) -> Instrument:
        return _pair(_decode_pair(bytes(raw)), tokens, exchange)

    return read_each(_decode_universe(body).universe, read, name=named_by("name"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read candles, oldest first.

    Raises:
        UnknownSymbol: there is no such coin.
    """
    _refuse_nothing(body)

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        return candle(row.t, (row.o, row.h, row.l, row.c, row.v), seconds=seconds)

    return read_each(_decode_rows(body), read, name=row_name)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read a book.

    Raises:
        UnknownSymbol: there is no such coin.
    """
    _refuse_nothing(body)
    return mapper.to_snapshot(body, symbol)


def _refuse_nothing(body: bytes) -> None:
    if body.strip() == _NOTHING:
        raise UnknownSymbol(WORDS[RefusalKind.UNKNOWN_SYMBOL])


def _token(raw: Raw) -> wire.Token:
    return _decode_token(bytes(raw))


def _perpetual(entry: wire.Perpetual, exchange: str) -> Instrument:
    base = entry.name.upper()
    return Instrument(
        id=InstrumentId(exchange, symbol_of(base, _QUOTE, InstrumentKind.PERPETUAL)),
        native=entry.name,
        base=base,
        quote=_QUOTE,
        kind=InstrumentKind.PERPETUAL,
        settle=_SETTLE,
        tick_size=_step(_PERPETUAL_DECIMALS - entry.sz_decimals),
        price_digits=_DIGITS,
        whole_prices=True,
        lot_size=_step(entry.sz_decimals),
        min_quantity=ZERO,
        min_notional=_LEAST_VALUE,
        status=DELISTED if entry.is_delisted else TRADING,
        aliases=_spellings(base),
    )


def _spellings(base: str) -> tuple[str, ...]:
    """How a perpetual is called elsewhere: by its ending alone, or as one that is quoted in what it pays."""
    return (f"{base}-{_SETTLE}-PERP", f"{base}/{_SETTLE}:{_SETTLE}", f"{base}-PERP", f"{base}PERP")


def _pair(entry: wire.Pair, tokens: Mapping[int, wire.Token], exchange: str) -> Instrument:
    base, quote = (_of(tokens, index) for index in entry.tokens)
    names = base.name.upper(), quote.name.upper()
    native = f"@{entry.index}" if entry.index else entry.name
    return Instrument(
        id=InstrumentId(exchange, symbol_of(*names)),
        native=native,
        base=names[0],
        quote=names[1],
        tick_size=_step(_SPOT_DECIMALS - base.sz_decimals),
        price_digits=_DIGITS,
        whole_prices=True,
        lot_size=_step(base.sz_decimals),
        min_quantity=ZERO,
        min_notional=_LEAST_VALUE,
        status=TRADING,
    )


def _of(tokens: Mapping[int, wire.Token], index: int) -> wire.Token:
    token = tokens.get(index)
    if token is None:
        raise WireFormatError("an asset of a pair is not listed")
    return token


def _step(decimals: int) -> Decimal:
    """One of so many decimals; 0 where there can be no so many."""
    return Decimal(1).scaleb(-decimals) if 0 <= decimals <= _SPOT_DECIMALS else ZERO
