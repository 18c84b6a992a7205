"""The store is what the engine asks for: checked by the type checker and by using it."""

from support.store.builders import make_order
from support.stores.kinds import OrderStore as AnyOrderStore
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.ports import OrderStore


async def test_takes_the_engines_writes(orders: AnyOrderStore) -> None:
    store: OrderStore = orders
    await store.commit([])
    await store.commit([OrderWrite(order=make_order(), is_new=True)])
    assert await store.open_orders() == [make_order()]
