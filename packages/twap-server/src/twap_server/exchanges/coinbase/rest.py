"""Coinbase's REST bodies in the domain's words. Errors come with an HTTP status."""

from decimal import Decimal
from operator import itemgetter

from msgspec import Raw

from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import WireFormatError
from twap_server.domain.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market import BookSnapshot, Candle, TextLevel
from twap_server.exchanges.coinbase import wire
from twap_server.exchanges.decode import decoder, from_seconds, number

_decode_products = decoder(list[Raw])
_decode_product = decoder(wire.Product)
_decode_rows = decoder(list[wire.CandleRow])
_decode_book = decoder(wire.Book)


def instruments(body: bytes, exchange: str) -> list[Instrument]:
    """Read ``/products``; entries that cannot be understood are left out."""
    found = []
    for raw in _decode_products(body):
        try:
            found.append(_instrument(_decode_product(bytes(raw)), exchange))
        except WireFormatError:
            continue
    return found


def candles(body: bytes, seconds: int) -> list[Candle]:
    """Read ``/candles``, newest first there; intervals without a trade are missing."""
    span = seconds * SECOND - MILLISECOND
    rows = sorted(_decode_rows(body), key=itemgetter(0))
    return [
        Candle(
            open_time=from_seconds(opened),
            close_time=Nanos(opened * SECOND + span),
            open=_digits(first),
            high=_digits(high),
            low=_digits(low),
            close=_digits(last),
            volume=_digits(volume),
            closed=False,
        )
        for opened, low, high, first, last, volume in rows
    ]


def depth(body: bytes, symbol: str) -> BookSnapshot:
    """Read ``/book?level=2``. For comparison only: its sequence cannot be joined to the stream."""
    book = _decode_book(body)
    return BookSnapshot(symbol=symbol, bids=_levels(book.bids), asks=_levels(book.asks))


def _instrument(product: wire.Product, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, f"{product.base_currency}-{product.quote_currency}"),
        native=product.id,
        base=product.base_currency,
        quote=product.quote_currency,
        tick_size=number(product.quote_increment),
        lot_size=number(product.base_increment),
        min_quantity=number(product.base_min_size),
        min_notional=number(product.min_market_funds),
        status=_status(product),
    )


def _status(product: wire.Product) -> str:
    """Tell whether a taker may trade; a product that only takes limit orders fills marketable ones too."""
    if product.status != "online":
        return product.status.lower()
    hindered = ("trading_disabled", "cancel_only", "post_only", "auction_mode")
    return next((why for why in hindered if getattr(product, why)), TRADING)


def _levels(levels: list[wire.BookLevel]) -> list[TextLevel]:
    return [(price, size) for price, size, _ in levels]


def _digits(raw: Raw) -> Decimal:
    return number(str(raw, "latin-1"))
