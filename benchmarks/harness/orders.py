"""A database with many open orders, made through the store as the server itself would.

In: a file, how many orders. Out: the file, and the secret of an API key of the orders' owner.
"""

import time
from decimal import Decimal
from pathlib import Path

from twap_models.enums import Carry, Fidelity, OrderEventType, OrderStatus, Scope, Side
from twap_server.api.auth.tokens import KEY_PREFIX, digest
from twap_server.domain.accounts import ApiKey
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.order import Order, OrderEvent, OrderProgress
from twap_server.domain.orders.terms import Destination, OrderTerms, Plan
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

USER, SECRET = "user-1", KEY_PREFIX + "benchmark"
MARKETS = (("binance", "BTC-USDT"), ("binance", "ETH-USDT"), ("kraken", "BTC-USDT"), ("kraken", "ETH-USDT"))
_PER_COMMIT = 1_000


async def prepare(
    file: Path, *, orders: int, first_s: int = 60, spread_s: int = 600, interval_s: int = 600
) -> None:
    """Make a user with an API key and so many open orders of three hours.

    Args:
        file: the SQLite file, not there yet.
        orders: how many.
        first_s: seconds from now to the first slice.
        spread_s: seconds over which the orders' first slices are spread.
        interval_s: seconds between the slices of an order.
    """
    now = Nanos(time.time_ns())
    async with Database.open(f"sqlite:///{file}") as database:
        accounts, store = SqlAccountStore(database), SqlOrderStore(database)
        await accounts.users.create_user(USER, "benchmark", "no password", now)
        key = ApiKey(key_id="key-1", user_id=USER, name="benchmark", created=now, scopes=tuple(Scope))
        await accounts.keys.add_key(key, digest(SECRET), family_id=None, most=1)
        for begin in range(0, orders, _PER_COMMIT):
            numbers = range(begin, min(begin + _PER_COMMIT, orders))
            starts = [now + first_s * SECOND + n * spread_s * SECOND // max(1, orders) for n in numbers]
            await store.commit(
                [
                    _write(order(n, created=now, start=Nanos(start), interval_s=interval_s))
                    for n, start in zip(numbers, starts, strict=True)
                ]
            )


def order(number: int, *, created: Nanos, start: Nanos, interval_s: int = 600) -> Order:
    """An accepted order; numbers go round four markets and both sides."""
    instrument = InstrumentId(*MARKETS[number % len(MARKETS)])
    small = Decimal("0.00001")
    terms = OrderTerms(
        order_id=f"order-{number:08}",
        user_id=USER,
        token_id=f"token-{number}",
        fingerprint="0" * 64,
        exchange=instrument.exchange,
        symbol=instrument.symbol,
        instrument=instrument,
        destinations=(
            Destination(
                instrument=instrument,
                prices=PriceGrid(Decimal("0.01")),
                lot_size=small,
                min_quantity=small,
                min_notional=Decimal(5),
            ),
        ),
        side=Side.BUY if number % 2 else Side.SELL,
        created=created,
        start=start,
        carry=Carry.CATCH_UP,
        max_slippage_bps=None,
        fidelity=Fidelity.DEPTH,
        lot_size=small,
    )
    plan = Plan(
        quantity=Decimal("1.00000"),
        limit=None,
        start=start,
        end=Nanos(start + 10_800 * SECOND),
        interval=interval_s * SECOND,
        slice_count=10_800 // interval_s,
    )
    return Order(terms=terms, plan=plan, progress=OrderProgress(status=OrderStatus.ACCEPTED))


def _write(new: Order) -> OrderWrite:
    number = int(new.terms.order_id.removeprefix("order-"))
    event = OrderEvent(seq=number + 1, type=OrderEventType.ACCEPTED, time=new.terms.created, order=new)
    return OrderWrite(order=new, is_new=True, events=(event,))
