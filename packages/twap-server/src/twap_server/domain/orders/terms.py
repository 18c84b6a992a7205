"""Describe what a user asks for and what was accepted: fixed terms, and a plan, which amendments replace."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import Carry, Fidelity, LateStart, RejectReason, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.curves import LINEAR, Curve
from twap_server.domain.orders.market_facts import NO_FACTS, MarketFacts
from twap_server.domain.orders.realism import IDEAL, Realism
from twap_server.domain.orders.strategies import TWAP, StrategyChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a user asks for, before any rule was checked. Times are already absolute."""

    token_id: str
    exchange: str
    symbol: str
    """As the caller spelled it."""
    side: Side
    quantity: Decimal
    limit: Decimal | None
    start: Nanos | None
    """None means now."""
    end: Nanos
    interval: int | None
    """Nanoseconds between slices; exactly one of ``interval`` and ``slices`` is given."""
    slices: int | None
    carry: Carry
    late_start: LateStart
    max_slippage_bps: Decimal | None
    fidelity: Fidelity
    randomize: Decimal = ZERO
    """Percent by which size and time of a slice may move inside its bucket, 0 to 50."""
    participation_cap: Decimal | None = None
    """Most that a slice may take, in percent of what was traded since the slice before."""
    realism: Realism | None = None
    """None leaves it to the server."""
    strategy: StrategyChoice = TWAP
    facts: MarketFacts = NO_FACTS
    """What was looked up of the market, where the strategy needs it."""
    fingerprint: str = ""
    """Digest of the body after defaults and normalisation: tells a repeat from another order."""
    order_id: str = ""
    """Of the order that it becomes, where whoever asks chose one; empty: the engine does."""

    @property
    def simulated(self) -> Realism:
        """What its slices meet on their way: nothing where nobody says anything."""
        return IDEAL if self.realism is None else self.realism


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One market that an order may fill on, with its rules as they were when the order was accepted."""

    instrument: InstrumentId
    prices: PriceGrid
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    fee: Decimal = ZERO
    """Taker fee as a share of the notional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much by when, at what limit. Revision 1 was accepted; each amendment makes the next one.

    A later revision begins with slice ``first``: slices before it keep what they did.
    """

    revision: int = 1
    quantity: Decimal
    """On the order's lot grid."""
    limit: Decimal | None
    start: Nanos
    """When slice ``first`` is due at the earliest; for revision 1 the order's effective start."""
    end: Nanos
    interval: int
    """Nanoseconds between slices."""
    slice_count: int
    """Of the whole order, slices before ``first`` included."""
    first: int = 0
    base: Decimal = ZERO
    """Filled when this plan was made: the curve rises from here to ``quantity``."""
    curve: Curve = LINEAR
    step: Decimal = ZERO
    """What the curve wants comes in multiples of this, the least that an exchange takes; 0: of the lot."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """Who ordered what, where and how; never changes after acceptance (or rejection)."""

    order_id: str
    user_id: str
    token_id: str
    fingerprint: str
    exchange: str
    """``aggregate`` for an order over all exchanges."""
    symbol: str
    """As the caller spelled it."""
    instrument: InstrumentId | None
    """None when the symbol was not recognised."""
    destinations: tuple[Destination, ...] = ()
    """The markets it may fill on: one, or for ``aggregate`` every one that listed it."""
    side: Side
    created: Nanos
    start: Nanos
    """Effective start."""
    carry: Carry
    max_slippage_bps: Decimal | None
    fidelity: Fidelity
    randomize: Decimal = ZERO
    participation_cap: Decimal | None = None
    realism: Realism = IDEAL
    strategy: StrategyChoice = TWAP
    lot_size: Decimal
    """Quantities of the order are whole multiples: a lot that all of its destinations take."""
    decision_price: Decimal | None = None
    """Mid of the live book when the order was accepted."""
    forecast_bps: Decimal | None = None
    """What its preview would have shown then as the cost of its slices: of the quantity they would fill,
    valued at that mid. None: no book was live, or nothing would fill. Amendments leave it as it is."""

    @property
    def seed(self) -> bytes:
        """What ``randomize`` and latencies are drawn from: always the same for an order and its preview."""
        return seed_of(self.user_id, self.token_id)


def seed_of(user_id: str, token_id: str) -> bytes:
    """What ``randomize`` draws from, for an order or its preview."""
    return hashlib.sha256(f"{user_id}\n{token_id}".encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What a user wants changed; None leaves it. ``limit_set`` tells "no limit" from "leave it"."""

    quantity: Decimal | None = None
    limit: Decimal | None = None
    limit_set: bool = False
    end: Nanos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a request is not accepted: names the field, the value, the rule and what would do."""

    reason: RejectReason
    field: str
    """Of the request: what to change."""
    detail: str
    nearest: Decimal | None = None
    """The nearest value that would do, an interval in seconds; None: there is none, or it is not known."""
