"""Translate Kraken's REST bodies to the domain. Errors come with HTTP 200 in the body."""

import re
from contextlib import suppress
from decimal import Context, Inexact, InvalidOperation

import msgspec

from twap_server.domain.errors import ExchangeUnavailable, Throttled, TwapError, UnknownSymbol
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.refusal import WORDS, RefusalKind
from twap_server.exchanges.decode import (
    candle,
    decoder,
    from_epoch,
    number,
    row_name,
    step_of,
)
from twap_server.exchanges.kraken import mapper, names, refusals, wire

_decode_body = decoder(wire.Body)
_decode_result = decoder(dict[str, msgspec.Raw])
_decode_rows = decoder(list[msgspec.Raw])
_decode_row = decoder(wire.OhlcRow)
_decode_depth = decoder(wire.RestDepth)
_decode_pair = decoder(wire.AssetPair)

_EXACT = Context(prec=60, traps=[InvalidOperation, Inexact])
_UNTIL = re.compile(r"Throttled: *(\d{9,10})")
_SLOW_DOWN_S = 15
_LOCKED_OUT_S = 15 * 60


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``AssetPairs``; dark pools are left out without a word."""

    def read(entry: tuple[str, msgspec.Raw]) -> Instrument | None:
        pair = _decode_pair(bytes(entry[1]))
        is_dark = pair.wsname.count("/") != 1 or pair.altname.endswith(".d")
        return None if is_dark else _instrument(entry[0], pair, exchange)

    return read_each(_result(body).items(), read, name=lambda _, entry: entry[0])


def candles(body: bytes, minutes: int) -> Entries[Candle]:
    """Read ``OHLC``: the one entry that is not ``last``."""

    def read(raw: msgspec.Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(row.open_time, figures, seconds=minutes * 60)

    return read_each(_decode_rows(bytes(_only_entry(body))), read, name=row_name)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``Depth``. For comparison only: it has neither id nor checksum."""
    book = _decode_depth(bytes(_only_entry(body)))
    return BookSnapshot(
        symbol=symbol,
        bids=[(price, quantity) for price, quantity, _ in book.bids],
        asks=[(price, quantity) for price, quantity, _ in book.asks],
    )


def _instrument(key: str, pair: wire.AssetPair, exchange: str) -> Instrument:
    base, quote = names.canonical(pair.wsname)
    step = step_of(pair.pair_decimals)
    tick = step if pair.tick_size is None else number(pair.tick_size, signed=True)
    if step:
        with suppress(InvalidOperation, Inexact):  # a finer tick stays as it is
            tick = tick.quantize(step, context=_EXACT)
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=pair.altname,
        base=base,
        quote=quote,
        tick_size=tick,
        lot_size=step_of(pair.lot_decimals),
        min_quantity=number(pair.ordermin, signed=True),
        min_notional=number(pair.costmin, signed=True),
        status=mapper.status_of(pair.status),
        aliases=tuple(dict.fromkeys((pair.wsname, names.on_stream(pair.wsname), key))),
    )


def _only_entry(body: bytes) -> msgspec.Raw:
    entries = [raw for key, raw in _result(body).items() if key != "last"]
    if len(entries) != 1:
        raise WireFormatError("expected one entry")
    return entries[0]


def _result(body: bytes) -> dict[str, msgspec.Raw]:
    answer = _decode_body(body)
    for error in answer.error:
        if not error.startswith("W"):  # warnings come with a result
            raise _failure(error)
    return _decode_result(bytes(answer.result))


def _failure(error: str) -> TwapError:
    kind = refusals.of_text(error)
    if kind is RefusalKind.UNKNOWN_SYMBOL:
        return UnknownSymbol(WORDS[kind])
    if kind is not RefusalKind.RATE:
        return ExchangeUnavailable(WORDS[kind])
    until = _UNTIL.search(error)
    return Throttled(
        WORDS[kind],
        retry_after=_LOCKED_OUT_S if "lockout" in error else _SLOW_DOWN_S,
        until=from_epoch(int(until[1])) if until else None,
    )
