"""The store is what the engine asks for: checked by the type checker and by using it."""

import pytest

from server.store.builders import make_order
from twap_server.store.orders import SqlOrderStore

ports = pytest.importorskip("twap_server.engine.ports", exc_type=ImportError)


async def test_takes_the_engines_writes(orders: SqlOrderStore) -> None:
    await orders.commit([])
    await orders.commit([ports.OrderWrite(order=make_order(), is_new=True)])
    assert await orders.open_orders() == [make_order()]
