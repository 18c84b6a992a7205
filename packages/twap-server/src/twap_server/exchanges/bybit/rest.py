"""Translate Bybit's REST bodies to the domain. Errors come with HTTP 200 in the body."""

import msgspec

from twap_server.domain.clock import Nanos
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.exchanges.bybit import mapper, refusals, wire
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name, whole

_decode_body = decoder(wire.Body)
_decode_listed = decoder(wire.Listed)
_decode_instrument = decoder(wire.InstrumentEntry)
_decode_row = decoder(wire.KlineRow)
_decode_book = decoder(wire.Book)


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``instruments-info``."""

    def read(raw: msgspec.Raw) -> Instrument:
        return _instrument(_decode_instrument(bytes(raw)), exchange)

    return read_each(_listed(body), read, name=named_by("symbol"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``kline``, newest first there."""

    def read(raw: msgspec.Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(whole(row.start), figures, seconds=seconds)

    rows = read_each(_listed(body), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``orderbook``. For comparison only: its ``u`` is that of another topic than ours."""
    return mapper.snapshot(_decode_book(_result(body)), symbol, Nanos(0))


def _instrument(entry: wire.InstrumentEntry, exchange: str) -> Instrument:
    lot = entry.lot_size_filter
    return Instrument(
        id=InstrumentId(exchange, f"{entry.base_coin}-{entry.quote_coin}"),
        native=entry.symbol,
        base=entry.base_coin,
        quote=entry.quote_coin,
        tick_size=number(entry.price_filter.tick_size, signed=True),
        lot_size=number(lot.base_precision, signed=True),
        min_quantity=number(lot.min_order_qty, signed=True),
        min_notional=number(lot.min_order_amt, signed=True),
        status=TRADING if entry.status == "Trading" else entry.status.lower(),
    )


def _listed(body: bytes) -> list[msgspec.Raw]:
    return _decode_listed(_result(body)).list


def _result(body: bytes) -> bytes:
    answer = _decode_body(body)
    if answer.ret_code:
        raise refusals.failure(answer.ret_code, answer.ret_msg)
    return bytes(answer.result)
