"""An order's slices and fills in pages: whole together, in order, read by key and no further than asked."""

import sqlite3
import tracemalloc
from collections.abc import Coroutine
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from support import examples
from support.changes import replace
from support.store.builders import (
    accepted,
    make_event,
    make_order,
    make_plan,
    make_slice,
    make_terms,
    sliced,
)
from support.stores.kinds import OrderStore
from twap_models.enums import OrderStatus
from twap_server.domain.orders.order import Order, OrderEvent, OrderProgress
from twap_server.domain.orders.record import EventRange, OrderPage, OrderRecord, PagePosition, PageRequest
from twap_server.domain.orders.write import OrderWrite
from twap_server.store import events, pages, queries, sqlite_page
from twap_server.store.database import Database

ENDED = 9
"""Of twelve slices, with two fills each."""


@pytest.fixture
async def order(orders: OrderStore) -> Order:
    """An order at work, beside another of the same account."""
    made, other = make_order(), make_order(2)
    await orders.commit([accepted(made), accepted(other)])
    for _ in range(ENDED):
        write = sliced(made)
        await orders.commit([write, sliced(other)] if made.progress.next_slice == 0 else [write])
        made = write.order
    return made


async def page(orders: OrderStore, **asked: Any) -> OrderPage:
    found = await orders.page("alice", "token-1", PageRequest(**asked))
    assert found is not None
    return found


async def walk(orders: OrderStore, **asked: Any) -> list[OrderPage]:
    walked = [await page(orders, **asked)]
    while (following := walked[-1].next) is not None:
        walked.append(await page(orders, **asked, after=following))
        assert len(walked) <= 4 * ENDED, "it leads nowhere"
    return walked


@pytest.mark.parametrize("most", [1, 2, 3, 7, 9, 12, 18, 19, 500])
async def test_pages_are_together_the_whole(orders: OrderStore, order: Order, most: int) -> None:
    whole = await orders.detail("alice", "token-1")
    assert whole is not None and (len(whole.slices), len(whole.fills)) == (ENDED, 2 * ENDED)
    walked = await walk(orders, slices=most, fills=most)
    assert sum((one.slices for one in walked), ()) == whole.slices
    assert sum((one.fills for one in walked), ()) == whole.fills
    assert [index for one in walked for index in one.pending] == [9, 10, 11]
    assert all(len(one.slices) + len(one.pending) <= most >= len(one.fills) for one in walked)
    assert walked[0].order == order
    assert len(walked) == max(-(-12 // most), -(-2 * ENDED // most))


async def test_all_is_what_nobody_bounds(orders: OrderStore, order: Order) -> None:
    found = await page(orders)
    assert (len(found.slices), list(found.pending), len(found.fills)) == (ENDED, [9, 10, 11], 2 * ENDED)
    assert found.next is None and found.order == order


async def test_one_of_them_alone(orders: OrderStore, order: Order) -> None:
    slices, fills = await walk(orders, slices=5, fills=0), await walk(orders, slices=0, fills=5)
    assert [len(one.slices) + len(one.pending) for one in slices] == [5, 5, 2]
    assert [len(one.fills) for one in fills] == [5, 5, 5, 3]
    assert not any(one.fills for one in slices) and not any(one.slices or one.pending for one in fills)


async def test_the_latest(orders: OrderStore, order: Order) -> None:
    whole = await page(orders)
    found = await page(orders, slices=2, fills=3, latest=True)
    assert found.slices == whole.slices[-2:] and found.fills == whole.fills[-3:]
    assert (list(found.pending), found.next) == ([], None)
    assert (await page(orders, slices=0, fills=0, latest=True)).slices == ()


ASKED = [
    {},
    {"latest": True},
    {"slices": 3, "fills": 0},
    {"slices": 10, "fills": 5},
    {"slices": 12, "fills": 18},
    {"fills": 4},
    {"slices": 0},
    {"slices": 4, "fills": 5, "latest": True},
    {"fills": 5, "latest": True},
    {"after": PagePosition(slice=3, fill=(4, 0))},
    {"slices": 20, "after": PagePosition(slice=8, fill=(8, 1))},
]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_parts_are_together_the_page(
    orders: OrderStore, order: Order, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await page(orders, **asked)
    for at_once in (1, 2, 3, 9, 500):
        monkeypatch.setattr(pages, "_AT_ONCE", at_once)
        parts = [part async for part in orders.parts("alice", "token-1", PageRequest(**asked))]
        assert await page(orders, **asked) == whole
        assert sum((one.slices for one in parts), ()) == whole.slices, at_once
        assert sum((one.fills for one in parts), ()) == whole.fills, at_once
        assert (parts[-1].pending, parts[-1].next) == (whole.pending, whole.next), at_once
        if not asked.get("latest"):
            assert all(max(len(one.slices), len(one.fills)) <= at_once for one in parts)


async def test_parts_are_of_one_moment(
    orders: OrderStore, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await page(orders)
    monkeypatch.setattr(pages, "_AT_ONCE", 2)
    async with aclosing(orders.parts("alice", "token-1", PageRequest())) as parts:
        first = await anext(parts)
        await orders.commit([sliced(order)])
        rest = [part async for part in parts]
    assert sum((one.slices for one in (first, *rest)), ()) == whole.slices
    assert rest[-1].pending == whole.pending and len((await page(orders)).slices) == ENDED + 1


async def test_parts_of_no_order_are_none(orders: OrderStore, order: Order) -> None:
    assert not [part async for part in orders.parts("bob", "token-1", PageRequest())]


async def test_who_leaves_parts_behind_holds_no_connection(
    database: Database, orders: OrderStore, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_AT_ONCE", 2)
    for _ in range(20):
        async with aclosing(orders.parts("alice", "token-1", PageRequest())) as parts:
            await anext(parts)
    assert database._readers.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.usefixtures("database")
async def test_a_long_order_in_parts_is_never_there_as_a_whole(orders: OrderStore) -> None:
    made = make_order()
    made = replace(made, plan=replace(made.plan, slice_count=5_000))
    await orders.commit([accepted(made)])
    done = replace(made, progress=replace(made.progress, next_slice=5_000, version=1))
    many = tuple(replace(make_slice(index), target=Decimal(index)) for index in range(5_000))
    await orders.commit([OrderWrite(order=done, slices=many)])
    del many
    await _read_parts(orders)  # statements, for instance, are kept
    whole = await _most_taken(_read_whole(orders))
    in_parts = await _most_taken(_read_parts(orders))
    assert in_parts < whole / 2


async def _read_whole(orders: OrderStore) -> None:
    assert len((await page(orders)).slices) == 5_000


async def _read_parts(orders: OrderStore) -> None:
    assert sum([len(part.slices) async for part in orders.parts("alice", "token-1", PageRequest())]) == 5_000


async def _most_taken(work: Coroutine[None, None, None]) -> int:
    tracemalloc.start()
    try:
        await work
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_a_page_of_an_order_that_goes_on(orders: OrderStore, order: Order) -> None:
    """What was to come on the page before may have ended since; nothing comes twice, nothing is left out."""
    first = await page(orders, slices=10, fills=17)
    await orders.commit([sliced(order)])
    assert first.next is not None
    second = await page(orders, slices=10, fills=17, after=first.next)
    assert (list(first.pending), [one.index for one in second.slices], list(second.pending)) == (
        [9],
        [],
        [10, 11],
    )
    assert [(one.slice_index, one.fill_id[-1]) for one in second.fills] == [(8, "1"), (9, "0"), (9, "1")]


async def test_it_is_read_for_one_user(orders: OrderStore, order: Order) -> None:
    assert await orders.page("bob", "token-1", PageRequest(slices=1)) is None
    assert await orders.page("alice", "token-3", PageRequest(slices=1)) is None


STATEMENTS = [
    (queries.slices_after("o", 41, 5), "pk_slices", "(order_id=? AND slice_index>?)"),
    (queries.latest_slices("o", 5), "pk_slices", "(order_id=?)"),
    (queries.filled_from("o", 4, 5), "pk_slices", "(order_id=? AND slice_index>?)"),
    (queries.latest_filled("o", 5), "pk_slices", "(order_id=?)"),
]


@pytest.mark.parametrize(("statement", "index", "searched"), STATEMENTS)
async def test_it_is_looked_up_in_an_index(
    database: Database, statement: Any, index: str, searched: str
) -> None:
    async with database.reading() as connection:
        compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        if connection.dialect.name == "postgresql":
            for other in ("seqscan", "sort", "bitmapscan"):
                await connection.execute(text(f"SET LOCAL enable_{other} = off"))
            plan = str((await connection.execute(text(f"EXPLAIN {compiled}"))).all())
            assert f"using {index}" in plan and "Sort" not in plan, plan
        else:
            plan = str((await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))).all())
            assert searched in plan and "TEMP B-TREE" not in plan and "SCAN" not in plan, plan


async def test_no_more_rows_are_read_than_asked(
    database: Database, orders: OrderStore, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    run = sqlite_page._Plain.run

    def note(self: sqlite_page._Plain, connection: sqlite3.Connection, **named: Any) -> Any:
        seen.append(f"{self.sql} {named}")
        return run(self, connection, **named)

    monkeypatch.setattr(sqlite_page._Plain, "run", note)
    engine = database._readers.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(f"{given[2]} {given[3]}"))
    await page(orders, slices=2, fills=3)
    of_parts = [one for one in seen if "FROM slices" in one]
    assert len(of_parts) == 2, "slices; fills, and one more row to see whether more follow"
    assert all("LIMIT" in one for one in of_parts)


RECORD = st.integers(0, 30)


@settings(max_examples=examples.of(200))
@given(count=RECORD, ended=RECORD, most=st.integers(1, 9), is_open=st.booleans())
def test_slices_of_all_pages_count_up(count: int, ended: int, most: int, is_open: bool) -> None:
    """The arithmetic alone, for orders of any length: each index on one page, in order."""
    ended = min(ended, count)
    status = OrderStatus.WORKING if is_open else OrderStatus.EXPIRED
    made = Order(
        terms=make_terms(),
        plan=replace(make_plan(), slice_count=count),
        progress=OrderProgress(status=status, next_slice=ended),
    )
    record = OrderRecord(
        order=made, slices=tuple(make_slice(index) for index in range(ended)), fills=(), samples=()
    )
    after: PagePosition | None = PagePosition()
    seen: list[int] = []
    pages = 0
    while after is not None:
        asked = PageRequest(slices=most, fills=most, after=after)
        shown = tuple(one for one in record.slices if one.index > after.slice)[:most]
        found = OrderPage(
            order=made, asked=asked, slices=shown, fills=(), last_fill=(-1, -1), has_more_fills=False
        )
        seen += [one.index for one in shown] + list(found.pending)
        after, pages = found.next, pages + 1
        assert pages <= count + 1, "it leads nowhere"
    assert seen == list(range(count)) and pages == max(1, -(-count // most))


@pytest.mark.usefixtures("database")
async def test_many_events_are_read_some_at_a_time(
    orders: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_order()
    await orders.commit([accepted(made, seq=1)])
    after = replace(made, progress=replace(made.progress, version=made.progress.version + 1))
    await orders.commit(
        [OrderWrite(order=after, events=tuple(make_event(after, seq) for seq in range(2, 251)))]
    )
    sizes, read = [], events._read

    async def counted(*given: Any) -> list[OrderEvent]:
        found = await read(*given)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(events, "_read", counted)
    assert [one.seq for one in await orders.events("alice", 0, 1_000)] == list(range(1, 251))
    assert sizes == [100, 100, 50]
    assert [one.seq for one in await orders.events("alice", 7, 150)] == list(range(8, 158))
    of_order = await orders.events_of("alice", "token-1", EventRange(since=240), limit=1_000)
    assert of_order is not None and [one.seq for one in of_order] == list(range(241, 251))
    for before, expected in ((None, range(101, 251)), (101, range(1, 101)), (1, range(0))):
        last = await orders.events_of("alice", "token-1", EventRange(before=before, latest=True), limit=150)
        assert last is not None and [one.seq for one in last] == list(expected)
