"""Translate Bybit's REST bodies to the domain. Errors come with HTTP 200 in the body."""

from collections.abc import Callable

import msgspec

from twap_models.enums import InstrumentKind
from twap_server.domain.clock import Nanos
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.symbols import symbol_of
from twap_server.exchanges.bybit import mapper, refusals, wire
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name, whole

_decode_body = decoder(wire.Body)
_decode_listed = decoder(wire.Listed)
_decode_pair = decoder(wire.Pair)
_decode_kind = decoder(wire.ContractKind)
_decode_contract = decoder(wire.Contract)
_decode_row = decoder(wire.KlineRow)
_decode_book = decoder(wire.Book)

_PERPETUAL = "LinearPerpetual"


def instruments(
    body: bytes, read_entry: Callable[[bytes], Instrument | None]
) -> tuple[Entries[Instrument], str]:
    """Read ``instruments-info``, and what to ask for the next page; empty where there is none."""

    def read(raw: msgspec.Raw) -> Instrument | None:
        return read_entry(bytes(raw))

    listed = _listed(body)
    return read_each(listed.list, read, name=named_by("symbol")), listed.next_page_cursor or ""


def spot_instrument(raw: bytes, exchange: str) -> Instrument:
    """Read an entry of the list of spot."""
    entry = _decode_pair(raw)
    lot = entry.lot_size_filter
    return _instrument(entry, exchange, lot, step=lot.base_precision, min_notional=lot.min_order_amt)


def linear_instrument(raw: bytes, exchange: str) -> Instrument | None:
    """Read an entry of the list of linear contracts; None where it is no perpetual.

    Quantities are base currency already.
    """
    if _decode_kind(raw).contract_type != _PERPETUAL:
        return None
    entry = _decode_contract(raw)
    lot = entry.lot_size_filter
    return _instrument(
        entry,
        exchange,
        lot,
        step=lot.qty_step,
        min_notional=lot.min_notional_value,
        kind=InstrumentKind.PERPETUAL,
        settle=entry.settle_coin,
    )


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``kline``, newest first there."""

    def read(raw: msgspec.Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(whole(row.start), figures, seconds=seconds)

    rows = read_each(_listed(body).list, read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``orderbook``. For comparison only: its ``u`` is that of another topic than ours."""
    return mapper.snapshot(_decode_book(_result(body)), symbol, Nanos(0))


def _instrument(
    entry: wire.Entry,
    exchange: str,
    lot: wire.LotFilter,
    *,
    step: str,
    min_notional: str,
    kind: InstrumentKind = InstrumentKind.SPOT,
    settle: str = "",
) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, symbol_of(entry.base_coin, entry.quote_coin, kind)),
        native=entry.symbol,
        base=entry.base_coin,
        quote=entry.quote_coin,
        kind=kind,
        settle=settle,
        tick_size=number(entry.price_filter.tick_size, signed=True),
        lot_size=number(step, signed=True),
        min_quantity=number(lot.min_order_qty, signed=True),
        min_notional=number(min_notional, signed=True),
        status=TRADING if entry.status == "Trading" else entry.status.lower(),
    )


def _listed(body: bytes) -> wire.Listed:
    return _decode_listed(_result(body))


def _result(body: bytes) -> bytes:
    answer = _decode_body(body)
    if answer.ret_code:
        raise refusals.failure(answer.ret_code, answer.ret_msg)
    return bytes(answer.result)
