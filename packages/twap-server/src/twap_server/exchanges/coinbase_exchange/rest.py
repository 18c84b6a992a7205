"""Translate Coinbase's REST bodies to the domain. Errors come with an HTTP status."""

from msgspec import Raw

from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle, TextLevel
from twap_server.domain.market.instrument import LIMIT_ONLY, TRADING, Instrument, InstrumentId
from twap_server.exchanges.coinbase_exchange import wire
from twap_server.exchanges.decode import (
    candle,
    decoder,
    named_by,
    number,
    row_name,
)

_decode_products = decoder(list[Raw])
_decode_product = decoder(wire.Product)
_decode_rows = decoder(list[Raw])
_decode_row = decoder(wire.CandleRow)
_decode_book = decoder(wire.Book)

_CANONICAL = {"CGLD": "CELO"}
"""Coinbase's own asset name to the canonical one; a name that is not here means the same everywhere."""


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read ``/products``."""

    def read(raw: Raw) -> Instrument:
        return _instrument(_decode_product(bytes(raw)), exchange)

    return read_each(_decode_products(body), read, name=named_by("id"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read ``/candles``, newest first there; intervals without a trade are missing."""

    def read(raw: Raw) -> Candle:
        row = _decode_row(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(row.open_time, (str(one, "latin-1") for one in figures), seconds=seconds)

    rows = read_each(_decode_rows(body), read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``/book?level=2``. For comparison only: its sequence cannot be joined to the stream."""
    book = _decode_book(body)
    return BookSnapshot(symbol=symbol, bids=_levels(book.bids), asks=_levels(book.asks))


def _instrument(product: wire.Product, exchange: str) -> Instrument:
    base, quote = (_CANONICAL.get(name, name) for name in (product.base_currency, product.quote_currency))
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=product.id,
        base=base,
        quote=quote,
        tick_size=number(product.quote_increment, signed=True),
        lot_size=number(product.base_increment, signed=True),
        min_quantity=number(product.base_min_size, signed=True),
        min_notional=number(product.min_market_funds, signed=True),
        status=_status(product),
    )


def _status(product: wire.Product) -> str:
    """Tell whether a taker may trade, and whether only with a limit."""
    if product.status != "online":
        return product.status.lower()
    hindered = ("trading_disabled", "cancel_only", "post_only", "auction_mode")
    open_to = LIMIT_ONLY if product.limit_only else TRADING
    return next((why for why in hindered if getattr(product, why)), open_to)


def _levels(levels: list[wire.BookLevel]) -> list[TextLevel]:
    return [(price, size) for price, size, _ in levels]
