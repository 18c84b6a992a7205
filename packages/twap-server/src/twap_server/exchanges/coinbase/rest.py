"""Translate Coinbase's REST bodies to the domain. Errors come with an HTTP status."""

from msgspec import Raw

from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle, TextLevel
from twap_server.domain.market.instrument import LIMIT_ONLY, TRADING, Instrument, InstrumentId
from twap_server.exchanges.coinbase import wire
from twap_server.exchanges.decode import candle, decoder, named_by, number, row_name

_decode_products = decoder(wire.Products)
_decode_product = decoder(wire.Product)
_decode_candles = decoder(wire.Candles)
_decode_candle = decoder(wire.CandleEntry)
_decode_book = decoder(wire.Book)

_CANONICAL = {"CGLD": "CELO"}
"""Coinbase's own asset name to the canonical one; a name that is not here means the same everywhere."""


def instruments(body: bytes, exchange: str) -> Entries[Instrument]:
    """Read the list of products."""

    def read(raw: Raw) -> Instrument | None:
        return _instrument(_decode_product(bytes(raw)), exchange)

    return read_each(_decode_products(body).products, read, name=named_by("product_id"))


def candles(body: bytes, seconds: int) -> Entries[Candle]:
    """Read candles, newest first there; intervals without a trade are missing."""

    def read(raw: Raw) -> Candle:
        row = _decode_candle(bytes(raw))
        figures = (row.open, row.high, row.low, row.close, row.volume)
        return candle(int(number(row.start)), figures, seconds=seconds)

    rows = read_each(_decode_candles(body).candles, read, name=row_name)
    return Entries(sorted(rows.found, key=lambda one: one.open_time), rows.left_out)


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read a book. For comparison only: it has no number that could be joined to the stream."""
    book = _decode_book(body).pricebook
    return BookSnapshot(symbol=symbol, bids=_levels(book.bids), asks=_levels(book.asks))


def _instrument(product: wire.Product, exchange: str) -> Instrument | None:
    """Read one product; None of what is no spot market, or only a second name of one."""
    if product.product_type != "SPOT" or product.alias:
        return None
    base, quote = (_CANONICAL.get(one, one) for one in (product.base_currency_id, product.quote_currency_id))
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=product.product_id,
        base=base,
        quote=quote,
        tick_size=number(product.price_increment or product.quote_increment, signed=True),
        lot_size=number(product.base_increment, signed=True),
        min_quantity=number(product.base_min_size, signed=True),
        min_notional=number(product.quote_min_size, signed=True),
        status=_status(product),
    )


def _status(product: wire.Product) -> str:
    """Tell whether a taker may trade, and whether only with a limit."""
    if product.status != "online":
        return product.status.lower()
    hindered = ("is_disabled", "trading_disabled", "view_only", "cancel_only", "post_only", "auction_mode")
    open_to = LIMIT_ONLY if product.limit_only else TRADING
    return next((why for why in hindered if getattr(product, why)), open_to)


def _levels(levels: list[wire.BookLevel]) -> list[TextLevel]:
    return [(one.price, one.size) for one in levels]
