"""What the engine commits is what anybody reads, all of it or nothing."""

import asyncio
import json
from decimal import Decimal

import pytest
from sqlalchemy import event, text

from support.changes import replace
from support.store.builders import (
    LONG,
    T0,
    accepted,
    make_fills,
    make_order,
    make_slice,
    sliced,
    with_terms,
)
from support.store.databases import Outside
from support.stores.kinds import OrderStore
from twap_models.enums import OrderStatus, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import StoreConflict
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.database import Database

OPEN = [status for status in OrderStatus if status.is_open]


async def test_every_field_and_digit_comes_back(orders: OrderStore) -> None:
    order = make_order()
    write = sliced(order)
    await orders.commit([accepted(order)])
    await orders.commit([write])
    found = await orders.detail("alice", "token-1")
    assert found == OrderRecord(
        order=write.order, slices=write.slices, fills=write.fills, samples=(), plans=(write.order.plan,)
    )
    assert str(found.order.plan.quantity) == str(LONG)
    assert str(found.fills[0].price) == "64000.10", "trailing zeros survive too"


async def test_legs_of_an_older_server_have_the_tick_of_their_order(
    orders: OrderStore, outside: Outside
) -> None:
    order = make_order()
    await orders.commit([accepted(order)])
    (legs,) = outside("SELECT legs FROM orders")
    new = {"tick_size", "price_digits", "whole_prices"}
    (leg,) = json.loads(legs)
    assert new < leg.keys()
    old = json.dumps([{name: value for name, value in leg.items() if name not in new}])
    outside(f"UPDATE orders SET legs = '{old}'")
    (found,) = await orders.open_orders()
    (before,) = order.terms.destinations
    assert found.terms.destinations == (replace(before, prices=PriceGrid(before.prices.tick_size)),)


async def test_absent_values_stay_absent(orders: OrderStore) -> None:
    order = with_terms(
        make_order(status=OrderStatus.REJECTED),
        instrument=None,
        destinations=(),
        max_slippage_bps=None,
        participation_cap=None,
        decision_price=None,
        forecast_bps=None,
    )
    order = replace(order, plan=replace(order.plan, limit=None, warnings=()))
    result = replace(
        make_slice(), reason=None, decided=None, mid=None, touch=None, traded=None, book_time=None
    )
    await orders.commit([OrderWrite(order=order, is_new=True, slices=(result,))])
    assert await orders.detail("alice", "token-1") == OrderRecord(
        order=order, slices=(result,), fills=(), samples=(), plans=(order.plan,)
    )


@pytest.mark.parametrize("value", ["1E-8", "1E+20", "-0.5", "0", "123456789012345678.901234567891"])
async def test_decimals_are_kept_digit_for_digit(
    orders: OrderStore, url: str, outside: Outside, value: str
) -> None:
    await orders.commit([accepted(with_terms(make_order(), lot_size=Decimal(value)))])
    type_of, kind = ("typeof", "text") if url.startswith("sqlite") else ("pg_typeof", "numeric")
    assert outside(f"SELECT {type_of}(lot_size) FROM orders") == [kind]
    assert outside("SELECT lot_size FROM orders") == [format(Decimal(value), "f")]
    kept = (await orders.open_orders())[0].terms.lot_size
    assert format(kept, "f") == format(Decimal(value), "f")


async def test_times_are_whole_nanoseconds_of_64_bits(orders: OrderStore, outside: Outside) -> None:
    order = with_terms(make_order(), created=Nanos(2**63 - 1))
    await orders.commit([accepted(order)])
    assert outside("SELECT created FROM orders") == [str(2**63 - 1)]
    assert await orders.open_orders() == [order]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), 1.5])
async def test_what_is_no_exact_number_is_refused(orders: OrderStore, value: object) -> None:
    with pytest.raises(Exception, match="finite Decimal"):
        await orders.commit([accepted(with_terms(make_order(), lot_size=value))])
    assert await orders.open_orders() == []


async def test_a_repeated_token_id_is_refused(orders: OrderStore) -> None:
    await orders.commit([accepted(make_order())])
    again = with_terms(make_order(), order_id="another")
    with pytest.raises(StoreConflict):
        await orders.commit([accepted(again)])
    await orders.commit([accepted(make_order(user_id="bob"))])


async def test_one_conflict_records_nothing(orders: OrderStore) -> None:
    first = make_order(1)
    await orders.commit([accepted(first, seq=1)])
    wrong = [
        accepted(make_order(2), seq=2),
        sliced(first, seq=3),
        accepted(make_order(3), seq=1),
    ]
    with pytest.raises(StoreConflict):
        await orders.commit(wrong)
    assert await orders.detail("alice", "token-1") == OrderRecord(
        order=first, slices=(), fills=(), samples=(), plans=(first.plan,)
    )
    assert await orders.open_orders() == [first]
    assert await orders.last_event_seq("alice") == 1


async def test_a_change_over_another_version_is_refused(orders: OrderStore) -> None:
    order, other = make_order(1), make_order(2)
    await orders.commit([accepted(order), accepted(other)])
    done = sliced(order)
    await orders.commit([done])
    late = OrderWrite(order=order.ended_as(OrderStatus.CANCELED, reason="canceled_by_user", at=T0))
    with pytest.raises(StoreConflict, match="changed by somebody else"):
        await orders.commit([sliced(other), late])
    found = await orders.find("alice", ["token-1", "token-2", "token-9"])
    assert found == {"token-1": done.order, "token-2": other}


async def test_an_unknown_order_cannot_change(orders: OrderStore) -> None:
    with pytest.raises(StoreConflict):
        await orders.commit(
            [OrderWrite(order=make_order().ended_as(OrderStatus.FAILED, reason="storage", at=T0))]
        )


async def test_a_slice_has_one_outcome(orders: OrderStore) -> None:
    order = make_order()
    first = sliced(order)
    await orders.commit([accepted(order)])
    await orders.commit([first])
    twice = OrderWrite(
        order=replace(first.order, progress=replace(first.order.progress, version=2)),
        slices=first.slices,
    )
    with pytest.raises(StoreConflict):
        await orders.commit([twice])
    assert await orders.find("alice", ["token-1"]) == {"token-1": first.order}


async def test_a_fill_needs_its_slice_and_its_own_id(orders: OrderStore) -> None:
    order = make_order()
    await orders.commit([accepted(order)])
    write = sliced(order)
    with pytest.raises(StoreConflict):
        await orders.commit([replace(write, slices=())])
    with pytest.raises(StoreConflict):
        await orders.commit([replace(write, fills=(write.fills[0], write.fills[0]))])
    await orders.commit([write])


async def test_fills_of_several_slices_in_one_write(orders: OrderStore) -> None:
    order = make_order()
    slices = (make_slice(0), make_slice(1))
    mixed = [*make_fills(order, 0), *make_fills(order, 1)]
    await orders.commit(
        [OrderWrite(order=order, is_new=True, slices=slices, fills=tuple(mixed[::2] + mixed[1::2]))]
    )
    found = await orders.detail("alice", "token-1")
    assert found is not None
    assert found.fills == tuple(mixed)


async def test_a_thousand_writes_are_one_transaction(orders: OrderStore, written: list[list[str]]) -> None:
    book = [make_order(n) for n in range(1_000)]
    await orders.commit([accepted(order) for order in book])
    written.clear()
    await orders.commit([sliced(order, seq=n + 1) for n, order in enumerate(book)])
    (statements,) = written
    assert 0 < len(statements) <= 5, statements
    assert await orders.last_event_seq("alice") == 1_000
    assert {order.progress.next_slice for order in await orders.open_orders()} == {1}


async def test_only_open_orders_are_open(orders: OrderStore) -> None:
    book = [make_order(n, status=status) for n, status in enumerate(OrderStatus)]
    await orders.commit([accepted(order) for order in book])
    assert await orders.open_orders() == [order for order in book if order.status.is_open]
    assert len(await orders.open_orders()) == len(OPEN)


async def test_open_orders_use_the_partial_index(database: Database) -> None:
    from twap_server.store import queries

    for statement in (queries.all_open(),):
        async with database.reading() as connection:
            compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            if connection.dialect.name == "postgresql":
                await connection.execute(text("SET LOCAL enable_seqscan = off"))
                plan = (await connection.execute(text(f"EXPLAIN {compiled}"))).all()
            else:
                plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))).all()
        assert "ix_orders_open" in str(plan)


async def test_orders_are_found_by_their_keys_in_the_index(database: Database) -> None:
    from twap_server.store import queries

    async with database.reading() as connection:
        seen: list[tuple[str, object]] = []
        event.listen(
            connection.sync_connection, "before_cursor_execute", lambda *given: seen.append(given[2:4])
        )
        named = {"of_users": ["alice", "bob"], "of_tokens": ["1", "2"]}
        await connection.execute(queries.by_token(), named)
        statement, parameters = seen[-1]
        explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = str((await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all())
    assert "uq_orders_user_id_token_id" in plan or "(user_id=? AND token_id=?)" in plan, plan


async def test_keys_of_several_users_are_not_mixed_up(orders: OrderStore) -> None:
    book = [make_order(n, user_id=user) for user in ("alice", "bob") for n in range(40)]
    await orders.commit([accepted(order, seq=n + 1) for n, order in enumerate(book[:40])])
    await orders.commit([accepted(order, seq=n + 1) for n, order in enumerate(book[40:])])
    keys = [("alice", f"token-{n}") for n in range(0, 40, 2)] + [
        ("bob", f"token-{n}") for n in range(1, 40, 2)
    ]
    found = await orders.find_all([*keys, ("carol", "token-1"), ("alice", "token-99")])
    assert sorted(found) == sorted(keys)
    assert {(o.terms.user_id, o.terms.token_id) for o in found.values()} == set(keys)
    assert await orders.find_all([]) == {}


async def pages(orders: OrderStore, size: int) -> list[Order]:
    seen: list[Order] = []
    after = None
    while page := await orders.list("alice", limit=size, after=after):
        seen += page
        assert len(seen) < 100, "pages go round in circles"
        after = (page[-1].terms.created, page[-1].terms.order_id)
    return seen


async def test_pages_are_newest_first_and_lose_nothing(orders: OrderStore) -> None:
    book = [with_terms(make_order(n), created=Nanos(T0 + n // 3)) for n in range(11)]
    await orders.commit([accepted(order) for order in book])
    await orders.commit([accepted(make_order(1, user_id="bob"))])
    newest = sorted(book, key=lambda o: (o.terms.created, o.terms.order_id), reverse=True)
    for size in (1, 2, 5, 100):
        assert await pages(orders, size) == newest


async def test_filters(orders: OrderStore) -> None:
    one, two, three = (make_order(n) for n in range(3))
    two = with_terms(two, exchange="kraken", instrument=two.terms.instrument._replace(symbol="ETH-EUR"))  # type: ignore[union-attr]
    three = replace(three, progress=replace(three.progress, status=OrderStatus.FILLED))
    await orders.commit([accepted(order) for order in (one, two, three)])

    async def found(**filters: object) -> list[Order]:
        return await orders.list("alice", limit=10, **filters)  # type: ignore[arg-type]

    assert await found() == [three, two, one]
    assert await found(token_id="token-1") == [two]
    assert await found(statuses=OPEN) == [two, one]
    assert await found(statuses=set()) == []
    assert await found(exchange="kraken") == [two]
    assert await found(symbols={"ETH-EUR", "X-Y"}) == [two]
    assert await found(symbols={"BTC-USDT"}, statuses=[OrderStatus.FILLED]) == [three]
    assert await found(side=Side.BUY) == []
    assert await found(side=Side.SELL, exchange="kraken") == [two]


async def test_many_token_ids(orders: OrderStore) -> None:
    book = [make_order(n) for n in range(1_203)]
    await orders.commit([accepted(order) for order in book])
    found = await orders.find("alice", [order.terms.token_id for order in book])
    assert list(found.values()) and len(found) == len(book)


async def test_events_are_rebuilt_as_they_were(orders: OrderStore) -> None:
    order = make_order(1)
    other = make_order(2)
    first = sliced(order, seq=3)
    second = sliced(first.order, seq=4)
    writes = [accepted(order, seq=1), accepted(other, seq=2), first, second]
    for write in writes:
        await orders.commit([write])
    await orders.commit([accepted(make_order(user_id="bob"), seq=1)])
    told = [event for write in writes for event in write.events]
    assert await orders.events("alice", 0, 100) == told
    assert await orders.events("alice", 1, 2) == told[1:3]
    assert await orders.events("alice", 4, 100) == []
    assert [event.order.progress.version for event in told] == [0, 0, 1, 2], "each as it was then"


async def test_an_event_seq_counts_once_per_user(orders: OrderStore) -> None:
    await orders.commit([accepted(make_order(1), seq=1), accepted(make_order(user_id="bob"), seq=1)])
    with pytest.raises(StoreConflict):
        await orders.commit([accepted(make_order(2), seq=1)])


async def test_an_event_without_fills_of_a_filled_slice(orders: OrderStore) -> None:
    order = make_order()
    await orders.commit([accepted(order)])
    write = sliced(order, seq=1)
    bare = replace(write, events=(replace(write.events[0], fills=()),))
    await orders.commit([bare])
    assert await orders.events("alice", 0, 9) == list(bare.events)


async def test_commits_at_once_do_not_disturb_each_other(orders: OrderStore) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(30):
            group.create_task(orders.commit([accepted(make_order(n))]))
            group.create_task(orders.open_orders())
    assert len(await orders.open_orders()) == 30


async def test_a_cancelled_commit_leaves_the_store_usable(orders: OrderStore) -> None:
    for turns in range(12):
        task = asyncio.ensure_future(orders.commit([accepted(make_order(turns))]))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await orders.commit([accepted(make_order(99), seq=1)])
    assert await orders.last_event_seq("alice") == 1
