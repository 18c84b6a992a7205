"""One order with a long past, made through the store as the server itself would.

In: a file with a user in it. Out: the order: so many slices, each with a fill and an event.
"""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from benchmarks.harness.orders import order
from twap_models.enums import OrderEventType, OrderStatus, SliceOutcome
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

TOKEN = "long"
_PER_COMMIT = 1_000
_START = Nanos(1_790_000_000 * SECOND)
_LOT = Decimal("0.00001")
_PRICE = Decimal("64000.01")


async def live_through(file: Path, *, slices: int) -> None:
    """Record the order and its past: it has ended, so nothing more happens to it."""
    whole = order(0, created=_START, start=_START, interval_s=1)
    plan = replace(
        whole.plan, quantity=_LOT * slices, slice_count=slices, end=Nanos(_START + slices * SECOND)
    )
    made = replace(whole, plan=plan, terms=replace(whole.terms, order_id="order-long", token_id=TOKEN))
    async with Database.open(f"sqlite:///{file}") as database:
        store = SqlOrderStore(database)
        accepted = OrderEvent(seq=1, type=OrderEventType.ACCEPTED, time=_START, order=made)
        await store.commit([OrderWrite(order=made, is_new=True, events=(accepted,))])
        for begin in range(0, slices, _PER_COMMIT):
            write = _lived(
                made, range(begin, min(begin + _PER_COMMIT, slices)), is_last=begin + _PER_COMMIT >= slices
            )
            await store.commit([write])
            made = write.order


def _lived(made: Order, indexes: range, *, is_last: bool) -> OrderWrite:
    done = indexes.stop
    progress = replace(
        made.progress,
        status=OrderStatus.FILLED if is_last else OrderStatus.WORKING,
        filled=_LOT * done,
        notional=_LOT * done * _PRICE,
        next_slice=done,
        version=made.progress.version + 1,
    )
    after = replace(made, progress=progress)
    slices, fills = tuple(map(_slice, indexes)), tuple(map(_fill, indexes))
    events = tuple(
        OrderEvent(
            seq=2 + index,
            type=OrderEventType.SLICE,
            time=_moment(index),
            order=after,
            slice=slices[place],
            fills=(fills[place],),
        )
        for place, index in enumerate(indexes)
    )
    return OrderWrite(order=after, slices=slices, fills=fills, events=events)


def _moment(index: int) -> Nanos:
    return Nanos(_START + index * SECOND)


def _slice(index: int) -> SliceResult:
    return SliceResult(
        index=index,
        due=_moment(index),
        outcome=SliceOutcome.FILLED,
        reason=None,
        wanted=_LOT,
        filled=_LOT,
        notional=_LOT * _PRICE,
        decided=_moment(index),
        target=_LOT * (index + 1),
        mid=_PRICE,
        touch=_PRICE,
        touch_exchange="binance",
        book_time=_moment(index),
    )


def _fill(index: int) -> Fill:
    return Fill(
        fill_id=f"order-long-{index}-0",
        slice_index=index,
        time=_moment(index),
        exchange="binance",
        price=_PRICE,
        quantity=_LOT,
        fee=Decimal("0.00064"),
        book_seq=index,
        book_time=_moment(index),
    )
