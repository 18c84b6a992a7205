"""A process that records and acknowledges until it is gone."""

from support.store.builders import accepted, make_order, sliced
from twap_server.domain.orders.write import OrderWrite

COMMITS, ORDERS_EACH, MOMENTS = 90, 30, 40


COMMITTING = """
import asyncio, os, sys
from support.store.power import COMMITS, writes_of
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

async def main(folder):
    acknowledged = os.open(folder + "/acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    async with Database.open("sqlite:///" + folder + "/twap.db") as database:
        orders = SqlOrderStore(database)
        for n in range(COMMITS):
            await orders.commit(writes_of(n))
            os.write(acknowledged, b"%d," % n)
        os._exit(0)

asyncio.run(main(sys.argv[1]))
"""


def writes_of(n: int) -> list[OrderWrite]:
    """The ``n``-th commit: new orders, then a slice of each of them, and so on."""
    book = [make_order(n // 2 * ORDERS_EACH + one) for one in range(ORDERS_EACH)]
    make = accepted if n % 2 == 0 else sliced
    return [make(order, seq=n * ORDERS_EACH + one + 1) for one, order in enumerate(book)]
