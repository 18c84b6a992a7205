"""Translate HTX's REST bodies to the domain. Errors come with HTTP 200: the status in the body tells."""

from msgspec import Raw

from twap_server.domain.clock import Nanos
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name, step_of
from twap_server.exchanges.htx import mapper, refusals, wire

_decode_body = decoder(wire.Body)
_decode_entries = decoder(list[Raw])
_decode_symbol = decoder(wire.SymbolEntry)
_decode_row = decoder(wire.CandleRow)


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``market-symbols``."""

    def read(raw: Raw) -> Instrument:
        return _instrument(_decode_symbol(bytes(raw)), exchange)

    return read_each(_decode_entries(bytes(_answered(body).data)), read, name=named_by("symbol"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``history/kline``, newest first there."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = map(mapper.text, (row.open, row.high, row.low, row.close, row.amount))
        return candle(row.id, figures, seconds=seconds)

    rows = read_each(_decode_entries(bytes(_answered(body).data)), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``depth``. For comparison only."""
    return mapper.depth(bytes(_answered(body).tick), symbol, Nanos(0))


def _instrument(entry: wire.SymbolEntry, exchange: str) -> Instrument:
    base, quote = entry.bc.upper(), entry.qc.upper()
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=entry.symbol,
        base=base,
        quote=quote,
        tick_size=step_of(entry.pp),
        lot_size=step_of(entry.ap),
        min_quantity=number(str(entry.minoa), signed=True),
        min_notional=number(str(entry.minov), signed=True),
        status=_status(entry),
    )


def _status(entry: wire.SymbolEntry) -> str:
    """Whether it is traded at all, and over the API."""
    if entry.state != "online":
        return entry.state.lower()
    return TRADING if entry.at == "enabled" else entry.at.lower()


def _answered(body: bytes) -> wire.Body:
    """An answer that is no error.

    Raises:
        TwapError: it is one.
    """
    answer = _decode_body(body)
    if answer.status != wire.FINE:
        raise refusals.failure(answer.err_code, answer.err_msg)
    return answer
