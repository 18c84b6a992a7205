"""Translate Bitstamp's REST bodies to the domain. Errors come with an HTTP status."""

from msgspec import Raw

from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import LIMIT_ONLY, TRADING, Instrument, InstrumentId
from twap_server.exchanges.bitstamp import wire
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name, step_of

_decode_markets = decoder(list[Raw])
_decode_market = decoder(wire.Market)
_decode_candles = decoder(wire.Candles)
_decode_candle = decoder(wire.Candle)
_decode_book = decoder(wire.RestBook)


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read the list of markets, in its older or its newer form."""

    def read(raw: Raw) -> Instrument | None:
        return _instrument(_decode_market(bytes(raw)), exchange)

    return read_each(_decode_markets(body), read, name=named_by("name"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read candles, in whatever order they come."""

    def read(raw: Raw) -> Candle:
        row = _decode_candle(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(int(number(row.timestamp)), figures, seconds=seconds)

    rows = read_each(_decode_candles(body).data.ohlc, read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read a book. For comparison only: it may be older than what the stream sent."""
    book = _decode_book(body)
    return BookSnapshot(symbol=symbol, bids=book.bids, asks=book.asks)


def _instrument(market: wire.Market, exchange: str) -> Instrument | None:
    """Read one market; None of a perpetual."""
    if market.market_type not in (None, "SPOT"):
        return None
    base, slash, quote = market.name.partition("/")
    native = market.market_symbol or market.url_symbol
    if not slash or not native:
        raise WireFormatError("a market has no name")
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=native,
        base=base,
        quote=quote,
        tick_size=step_of(market.counter_decimals),
        lot_size=step_of(market.base_decimals),
        min_quantity=number(market.minimum_order_amount or "0", signed=True),
        min_notional=number(_least_value(market), signed=True),
        status=_status(market),
    )


def _least_value(market: wire.Market) -> str:
    return market.minimum_order_value or (market.minimum_order or "0").partition(" ")[0]


def _status(market: wire.Market) -> str:
    """Tell whether a taker may trade, and whether only with a limit."""
    if market.trading != "Enabled":
        return market.trading.lower()
    return LIMIT_ONLY if market.instant_and_market_orders == "Disabled" else TRADING
