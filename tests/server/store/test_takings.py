"""store/takings.py and the last numbers of many users: as memory says it, in a file and in PostgreSQL."""

from decimal import Decimal

from sqlalchemy import event

from support.changes import replace
from support.store.builders import T0, accepted, make_event, make_fills, make_order, make_slice, with_terms
from support.stores.kinds import OrderStore
from support.stores.orders import MemoryStore
from twap_models.enums import Fidelity, OrderStatus
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.realism import PROFILES
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore
from twap_server.store.takings import SqlTakings


def _deep(number: int = 1, *, user_id: str = "alice", fidelity: Fidelity = Fidelity.DEPTH) -> Order:
    realism = list(PROFILES.values())[number % len(PROFILES)]
    return with_terms(make_order(number, user_id=user_id), fidelity=fidelity, realism=realism)


def _takes(order: Order, at: int) -> OrderWrite:
    """The write of its next slice, decided so many seconds after T0."""
    index, moment = order.progress.next_slice, Nanos(T0 + at * SECOND)
    fills = tuple(replace(one, time=moment) for one in make_fills(order, index))
    result = replace(make_slice(index, filled=Decimal("2E-8")), decided=moment)
    return OrderWrite(order=order.after_slice(result, fills), slices=(result,), fills=fills)


def _ends(order: Order, at: int) -> OrderWrite:
    ended = order.ended_as(OrderStatus.CANCELED, reason="canceled_by_user", at=Nanos(T0 + at * SECOND))
    return OrderWrite(order=ended)


async def test_what_users_with_open_orders_took_lately_is_read_oldest_first(database: Database) -> None:
    sql, memory = SqlOrderStore(database), MemoryStore()
    begun = [
        _deep(1),  # open
        _deep(2),  # ends too early
        _deep(3),  # ends lately
        _deep(4, fidelity=Fidelity.L1),  # takes nothing from anybody
        _deep(5, user_id="bob"),
        _deep(6, user_id="carol"),  # has nothing open
    ]
    one, early, late, shallow, bobs, carols = begun
    writes = [accepted(order) for order in begun]
    first, gone = _takes(one, 10), _takes(early, 20)
    writes += [first, gone, _takes(shallow, 59), _takes(bobs, 70), carol := _takes(carols, 70)]
    writes += [_ends(gone.order, 30), other := _takes(late, 65), _ends(other.order, 66)]
    writes += [_takes(first.order, 60), _ends(carol.order, 71)]
    for write in writes:
        await sql.commit([write])
        await memory.commit([write])
    since = Nanos(T0 + 50 * SECOND)
    found = await SqlTakings(database).takings(await sql.open_orders(), since)
    assert [(taking.user_id, (taking.time - T0) // SECOND) for taking in found] == [
        ("alice", 60), ("alice", 60), ("alice", 65), ("alice", 65), ("bob", 70), ("bob", 70),
    ]  # fmt: skip
    assert found[2].realism == late.terms.realism
    assert found == await memory.takings(await memory.open_orders(), since)
    assert await SqlTakings(database).takings([], since) == []


async def test_the_last_numbers_of_many_users_are_read_at_once(orders: OrderStore) -> None:
    names = [f"user-{number}" for number in range(450)]
    for number, name in enumerate(names[:3], 1):
        order = make_order(number, user_id=name)
        events = tuple(make_event(order, seq) for seq in range(1, number + 1))
        await orders.commit([OrderWrite(order=order, is_new=True, events=events)])
    assert await orders.last_event_seqs(names) == {"user-0": 1, "user-1": 2, "user-2": 3}
    assert await orders.last_event_seqs([]) == {}


async def test_the_last_numbers_of_thousands_of_users_are_one_statement(database: Database) -> None:
    """Of a text that is always the same: a gateway asks every two seconds."""
    asked: list[str] = []
    event.listen(database._readers.sync_engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    for count in (5_000, 7):
        assert await SqlOrderStore(database).last_event_seqs([f"user-{n}" for n in range(count)]) == {}
    assert len(asked) == 2 and len(set(asked)) == 1
