"""What a replay records is what the engine decided, and nothing is recorded twice."""

import pytest

from support.changes import replace
from support.store.builders import make_order
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import StoreConflict
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.ports import OrderStore
from twap_server.replay.holes import Holes
from twap_server.replay.records import MemoryRecords


def following(order: Order) -> Order:
    return replace(order, progress=replace(order.progress, version=order.progress.version + 1))


async def test_gives_back_what_was_recorded() -> None:
    records = MemoryRecords(Holes())
    store: OrderStore = records
    order = make_order()
    sample = Sample(time=Nanos(5), mid=None)
    await store.commit([OrderWrite(order=order, is_new=True)])
    await store.commit([OrderWrite(order=following(order))], [(order.terms.order_id, sample)])
    await store.commit(
        [], [(order.terms.order_id, sample), (order.terms.order_id, Sample(time=Nanos(4), mid=None))]
    )
    (kept,) = records.records()
    assert kept.order == following(order)
    assert [one.time for one in kept.samples] == [4, 5]
    assert await store.find(order.terms.user_id, [order.terms.token_id, "other"]) == {
        order.terms.token_id: following(order)
    }
    assert await store.was_recorded([OrderWrite(order=following(order))])
    assert not await store.was_recorded([OrderWrite(order=order)])


@pytest.mark.parametrize(
    ("steps", "is_new"), [(0, True), (0, False), (2, False)], ids=["again", "repeated", "skipped"]
)
async def test_refuses_an_order_that_is_not_as_it_was(steps: int, is_new: bool) -> None:
    records = MemoryRecords(Holes())
    order = wrong = make_order()
    for _ in range(steps):
        wrong = following(wrong)
    await records.commit([OrderWrite(order=order, is_new=True)])
    with pytest.raises(StoreConflict):
        await records.commit([OrderWrite(order=following(order)), OrderWrite(order=wrong, is_new=is_new)])
    (kept,) = records.records()
    assert kept.order == order, "nothing of the whole was recorded"
