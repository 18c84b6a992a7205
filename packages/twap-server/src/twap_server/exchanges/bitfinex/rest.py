"""Translate Bitfinex's REST bodies to the domain. Errors are arrays that begin with ``error``."""

from decimal import Decimal
from typing import Final

from msgspec import Raw

from twap_server.domain.errors import ExchangeUnavailable, Throttled, UnknownSymbol
from twap_server.domain.exact import ZERO
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.refusal import WORDS, RefusalKind
from twap_server.exchanges.bitfinex import mapper, names, refusals, wire
from twap_server.exchanges.decode import candle, decoder, entries_of, number, row_name, text_of

_decode_configs = decoder(wire.Configs)
_decode_pair = decoder(wire.Pair)
_decode_rows = decoder(list[Raw])
_decode_row = decoder(wire.CandleRow)

_TICK: Final = Decimal("0.00000001")
"""A price has at most eight decimals."""
_DIGITS: Final = 5
"""And at most so many significant digits."""
_LOT: Final = Decimal("0.00000001")
_SMALLEST: Final = 3


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read both lists; pairs of contracts and of the paper trading are left out without a word."""
    _refuse_error(body)
    configs = _decode_configs(body)
    canonical = names.named(configs.names)

    def read(raw: Raw) -> Instrument | None:
        pair = _decode_pair(bytes(raw))
        own = names.assets(pair.name)
        base, quote = (canonical.get(one, one) for one in own)
        if any(map(names.is_derivative, own)) or names.is_play(base) or names.is_play(quote):
            return None
        return Instrument(
            id=InstrumentId(exchange, f"{base}-{quote}"),
            native=f"t{pair.name}",
            base=base,
            quote=quote,
            tick_size=_TICK,
            price_digits=_DIGITS,
            lot_size=_LOT,
            min_quantity=_smallest(pair),
            min_notional=ZERO,
            status=TRADING,
            aliases=(pair.name,),
        )

    return read_each(configs.pairs, read, name=_pair_name)


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read candles, oldest first as asked for; intervals without a trade are missing."""
    _refuse_error(body)

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(row.open_time, (str(one, "latin-1") for one in figures), seconds=seconds)

    return read_each(_decode_rows(body), read, name=row_name)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``book``. For comparison only: it has neither number nor checksum."""
    _refuse_error(body)
    return mapper.snapshot(symbol, body)


def _smallest(pair: wire.Pair) -> Decimal:
    """The smallest order, in base currency."""
    told = text_of(pair.rules[_SMALLEST]) if len(pair.rules) > _SMALLEST else None
    if told is None:
        raise WireFormatError("a pair does not say what its smallest order is")
    return number(told, signed=True)


def _pair_name(place: int, raw: Raw) -> str:
    """Name an entry by its pair, or by its place."""
    head = next(iter(entries_of(raw) or ()), None)
    return text_of(head) or f"entry {place}"


def _refuse_error(body: bytes) -> None:
    kind = refusals.of_body(body)
    if kind is RefusalKind.UNKNOWN_SYMBOL:
        raise UnknownSymbol(WORDS[kind])
    if kind is RefusalKind.RATE:
        raise Throttled(WORDS[kind], retry_after=refusals.BLOCKED_S)
    if kind is not None:
        raise ExchangeUnavailable(WORDS[kind])
