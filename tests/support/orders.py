"""An order at work, as the rules of the domain see it."""

from decimal import Decimal

from support.changes import replace
from support.trading import BTC
from twap_models.enums import Carry, Fidelity, OrderStatus, Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.order import Order, OrderProgress
from twap_server.domain.orders.terms import OrderTerms, Plan
from twap_server.domain.orders.trading_rules import trading_rules_of

T0 = Nanos(1_700_000_000 * SECOND)


GRID = trading_rules_of([BTC], {}, exchange="binance")


def order(*, slices_done: int = 4, filled: str = "0.4") -> Order:
    """A buy of 1 BTC in ten slices of a second, at work."""
    terms = OrderTerms(
        order_id="o",
        user_id="ada",
        token_id="t",
        fingerprint="",
        exchange="binance",
        symbol="BTCUSDT",
        instrument=BTC.id,
        destinations=GRID.destinations,
        side=Side.BUY,
        created=T0,
        start=T0,
        carry=Carry.CATCH_UP,
        max_slippage_bps=None,
        fidelity=Fidelity.DEPTH,
        lot_size=GRID.lot_size,
    )
    plan = Plan(
        quantity=Decimal(1),
        limit=Decimal(101),
        start=T0,
        end=Nanos(T0 + 10 * SECOND),
        interval=SECOND,
        slice_count=10,
    )
    progress = OrderProgress(
        status=OrderStatus.WORKING, filled=Decimal(filled), next_slice=slices_done, version=slices_done
    )
    return Order(terms=terms, plan=plan, progress=progress)


def unlimited(*, side: Side = Side.BUY, **terms: object) -> Order:
    """Wants 0.1 with its fifth slice, no limit."""
    made = order()
    return replace(
        made,
        terms=replace(made.terms, side=side, **terms),
        plan=replace(made.plan, limit=None),
    )
