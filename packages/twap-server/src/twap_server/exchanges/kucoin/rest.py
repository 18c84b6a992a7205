"""Translate KuCoin's REST bodies to the domain. Errors may come with HTTP 200: the code in the body tells."""

from msgspec import Raw

from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.refusal import RefusalKind, failure
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name, whole
from twap_server.exchanges.kucoin import refusals, wire

_decode_body = decoder(wire.Body)
_decode_list = decoder(list[Raw])
_decode_symbol = decoder(wire.Symbol)
_decode_row = decoder(wire.CandleRow)
_decode_book = decoder(wire.Book)

_FINE = "200000"


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``/api/v2/symbols``."""

    def read(raw: Raw) -> Instrument:
        return _instrument(_decode_symbol(bytes(raw)), exchange)

    return read_each(_decode_list(_data(body)), read, name=named_by("symbol"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``/api/v1/market/candles``, newest first there; intervals without a trade may be missing."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(whole(row.open_time), figures, seconds=seconds)

    rows = read_each(_decode_list(_data(body)), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def book(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``level2_100``. For comparison only: the stream sends its own."""
    read = _decode_book(_data(body))
    return BookSnapshot(symbol=symbol, bids=read.bids, asks=read.asks, last_id=whole(read.sequence))


def _instrument(entry: wire.Symbol, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, f"{entry.baseCurrency}-{entry.quoteCurrency}"),
        native=entry.symbol,
        base=entry.baseCurrency,
        quote=entry.quoteCurrency,
        tick_size=number(entry.priceIncrement or "0", signed=True),
        lot_size=number(entry.baseIncrement or "0", signed=True),
        min_quantity=number(entry.baseMinSize or "0", signed=True),
        min_notional=number(entry.minFunds or "0", signed=True),
        status=TRADING if entry.enableTrading else "disabled",
    )


def _data(body: bytes) -> bytes:
    """What an answer holds.

    Raises:
        TwapError: it is an error.
    """
    answer = _decode_body(body)
    if answer.code != _FINE:
        kind = refusals.of_code(answer.code, answer.msg) or RefusalKind.OTHER
        raise failure(kind, wait_s=refusals.WINDOW_S)
    return bytes(answer.data)
