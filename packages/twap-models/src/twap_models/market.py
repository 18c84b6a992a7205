"""Define exchanges, instruments, books and candles as the wire shows them."""

from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from twap_models.base import ResponseModel
from twap_models.enums import InstrumentKind, Integrity, Interval, Side
from twap_models.fields import (
    KnownBookStatus,
    KnownExchangeState,
    KnownInstrumentKind,
    Told,
    ToldPrice,
    UtcDatetime,
)


class Exchange(ResponseModel):
    """One collected exchange."""

    name: str
    status: KnownExchangeState = Field(description="connected, connecting, idle or down")
    reason: str = Field(default="", description="Why it is not connected, or does not trade, in words.")
    market_status: str = Field(
        default="trading",
        description="What the exchange says of itself: trading, or its own word, such as maintenance.",
    )
    retry_at: UtcDatetime | None = Field(
        default=None, description="Until then the exchange is asked nothing: it limits, bans or restricts us."
    )
    since: UtcDatetime | None = None
    lag_ms: int | None = Field(
        default=None,
        description="The least lag of its books' changes in the last ten seconds, in milliseconds: about how "
        "far this server's clock is ahead of the exchange's (below 0: behind); null without changes.",
    )
    connections: int = 0
    books: int = Field(default=0, description="Books collected now.")
    live_books: int = Field(default=0, description="Those of them that are live.")
    messages_per_second: Told | None = Field(
        default=None,
        description="Changes of all its books in the last ten seconds, a second; null where nothing is "
        "collected, and in the first second.",
    )
    resyncs: int = Field(default=0, description="Of all books collected now, since each is collected.")
    age_ms: int | None = Field(
        default=None,
        description="Milliseconds since the newest change of any of its books; null without one.",
    )
    integrity: Integrity | str = Field(
        description="What proves that its books miss nothing: sequence, checksum, whole (each message is the "
        "whole book) or none."
    )
    intervals: list[Interval] = Field(default=[], description="Candle intervals the exchange has itself.")
    instruments: int = Field(default=0, description="How many instruments are listed.")
    taker_fee: Told | None = Field(
        default=None,
        description="What a fill costs as a share of its notional (0.001 is 0.1 %): this server's setting, "
        "not asked of the exchange.",
    )


class Instrument(ResponseModel):
    """One instrument of one exchange."""

    symbol: str = Field(description="Canonical: BASE-QUOTE, of a perpetual BASE-QUOTE-PERP.")
    native: str = Field(description="The exchange's own spelling.")
    base: str
    quote: str
    kind: KnownInstrumentKind = Field(
        default=InstrumentKind.SPOT,
        description="spot, or perpetual (a linear contract that never expires; funding and margin are not "
        "simulated).",
    )
    settle: str = Field(
        default="", description="What gains and losses are paid in; of spot the quote. Empty: not told."
    )
    contract_size: Told = Field(
        default=Decimal(1),
        description="Base currency in one unit of the exchange's own quantities. Quantities here are always "
        "base currency.",
    )
    tick_size: Told = Field(description="0: not known. The finest where price_digits is not 0.")
    price_digits: int = Field(
        default=0,
        description="Most significant digits of a price, so the step grows with the price; 0: as many as the "
        "tick leaves.",
    )
    whole_prices: bool = Field(
        default=False, description="Whether whole numbers are prices however many digits they have."
    )
    lot_size: Told = Field(description="0: not known.")
    min_quantity: Told = Field(description="0: none is stated.")
    min_notional: Told = Field(description="0: none is stated.")
    status: str = Field(
        description="trading, limit_only (takes orders that have a limit), or another word of the exchange: "
        "then it takes none. unusable: no order fits its grid, reason says why."
    )
    reason: str = Field(default="", description="Why it is unusable, in words.")


class Candle(ResponseModel):
    """One candle; ``volume`` is in base currency."""

    open_time: UtcDatetime
    open: ToldPrice
    high: ToldPrice
    low: ToldPrice
    close: ToldPrice
    volume: Told = Field(description="Base currency.")
    close_time: UtcDatetime
    closed: bool = Field(description="False while the candle is still forming.")


class Level(NamedTuple):
    """A price and what is there, in base currency: of a merged book the sum over its exchanges."""

    price: Decimal
    quantity: Decimal

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """On the wire a pair of numbers."""
        return no_info_after_validator_function(cls._make, handler.generate_schema(tuple[Told, Told]))


class PublicTrade(ResponseModel):
    """One public trade, as the exchange told it."""

    exchange: str = Field(description="Where it was traded.")
    symbol: str = Field(description="As it was asked for.")
    instrument: str
    time: UtcDatetime = Field(description="The exchange's time.")
    price: ToldPrice
    quantity: Told = Field(description="Base currency.")
    side: Side = Field(description="The taker's.")
    id: str = Field(description="The exchange's own.")


class OwnLevels(ResponseModel):
    """What you took of a book's levels and what has not grown back: your orders see that much less there.

    Levels of the same answer only, best first; those of which you took nothing are left out.
    """

    bids: list[Level] = Field(description="(price, taken), in base currency: taken by your sells.")
    asks: list[Level] = Field(description="(price, taken), in base currency: taken by your buys.")


class BookTop(ResponseModel):
    """The first levels of a book, best first, and how far to trust them."""

    exchange: str
    symbol: str
    instrument: str
    bids: list[Level]
    asks: list[Level]
    ts_exchange: UtcDatetime | None = Field(
        default=None, description="The exchange's time of the last change."
    )
    ts_received: UtcDatetime | None = Field(
        default=None, description="When the last change reached the server."
    )
    ts_sent: UtcDatetime
    seq: int = Field(
        description="State of this book: rises when it changed, never falls while the server runs."
    )
    status: KnownBookStatus = Field(
        description="live, stale, resyncing or down. Only a live book is current."
    )
    reason: str = Field(default="", description="Why it is not live, or why nothing is filled from it.")
    age_ms: int | None = Field(default=None, description="Milliseconds since the last change was received.")
    lag_ms: int | None = Field(
        default=None,
        description="Milliseconds from the exchange's time of the last change to its receipt, by two clocks; "
        "null where the exchange gives no time. Consolidated book: the worst.",
    )
    sources: dict[str, list[list[str]]] | None = Field(
        default=None, description="Consolidated book: for bids and asks, the exchanges behind each level."
    )
    missing: list[str] = Field(
        default=[], description="Consolidated book: exchanges whose book is not in it."
    )
    crossed: bool = Field(
        default=False,
        description="Consolidated book: the best bid of one exchange is at or above the best ask of another.",
    )
    depth: int | None = Field(default=None, description="Levels a side that were asked for.")
    own: OwnLevels | None = Field(
        default=None, description="What you took of these levels; null where it was not asked for."
    )

    @property
    def mid(self) -> Decimal | None:
        """Middle between best bid and best ask, exact; None while a side is empty."""
        return (self.bids[0][0] + self.asks[0][0]) / 2 if self.bids and self.asks else None
