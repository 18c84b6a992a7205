"""Closed orders, recorded with all that happened to them."""

from decimal import Decimal

from support.changes import replace
from support.records import EXPIRED, by_hand, fill, order, record, sample, slice_of
from twap_models.enums import OrderStatus, Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.orders import SqlOrderStore

ENDED = EXPIRED[1]


def numbered(
    made: OrderRecord,
    number: int,
    *,
    later: int = 0,
    user_id: str = "alice",
    exchange: str = "binance",
    symbol: str = "BTC-USDT",
    forecast: str | None = None,
) -> OrderRecord:
    """The record under another id, all of it so many seconds later."""
    moved = later * SECOND
    terms, plan, progress = made.order.terms, made.order.plan, made.order.progress
    order_id = f"o-{number:06}"
    return replace(
        made,
        order=replace(
            made.order,
            terms=replace(
                terms,
                order_id=order_id,
                token_id=f"t-{number}",
                user_id=user_id,
                exchange=exchange,
                instrument=InstrumentId(exchange, symbol),
                created=Nanos(terms.created + moved),
                start=Nanos(terms.start + moved),
                forecast_bps=None if forecast is None else Decimal(forecast),
            ),
            plan=replace(plan, start=Nanos(plan.start + moved), end=Nanos(plan.end + moved)),
            progress=replace(progress, ended=progress.ended and Nanos(progress.ended + moved)),
        ),
        slices=tuple(
            replace(one, due=Nanos(one.due + moved), decided=one.decided and Nanos(one.decided + moved))
            for one in made.slices
        ),
        fills=tuple(
            replace(one, fill_id=f"{order_id}-{at}", time=Nanos(one.time + moved))
            for at, one in enumerate(made.fills)
        ),
        samples=tuple(replace(one, time=Nanos(one.time + moved)) for one in made.samples),
    )


def expired() -> OrderRecord:
    """A buy of which three quarters filled."""
    return by_hand()


def sold() -> OrderRecord:
    """A sale that filled whole in one slice."""
    made = order(side=Side.SELL, quantity="2", slices=1)
    slices = [slice_of(0, fill("99.7", "2", "0.1994"), target="2", mid="100.1", touch="99.8")]
    return record(made, slices, [sample(0, "100.2"), sample("9", "99.9")])


def unpriced() -> OrderRecord:
    """Nothing was ever measured, so nothing is known of its cost."""
    return record(order(decision=None), ended=(OrderStatus.CANCELED, ENDED))


def at_work() -> OrderRecord:
    """An order that has not ended."""
    return record(order())


async def recorded(store: SqlOrderStore, *made: OrderRecord) -> None:
    """Put them there."""
    for one in made:
        write = OrderWrite(order=one.order, is_new=True, slices=one.slices, fills=one.fills)
        samples = [(one.order.terms.order_id, taken) for taken in one.samples]
        await store.commit([write], samples)
