"""What an older version stored is answered to the letter after fills moved into their slices' rows."""

from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select

from support.changes import replace
from support.store.builders import T0, accepted, make_event, make_order, make_slice
from support.store.databases import Outside
from twap_models.enums import OrderEventType
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Fill
from twap_server.domain.orders.record import EventRange, PagePosition, PageRequest
from twap_server.domain.orders.write import OrderWrite
from twap_server.reports.csv_text import table_csv
from twap_server.store import database as opening
from twap_server.store import tables
from twap_server.store.database import Database
from twap_server.store.migrate import migrate
from twap_server.store.orders import SqlOrderStore
from twap_server.store.tables import fills

COPIED = (tables.orders, tables.order_plans, tables.slices, tables.order_events)
NEWER = ("strategy", "parameters", "traded_total", "curve", "realism", "sent")
"""Columns that came later, and mean what was meant before where they are not there."""
NUMBERS = ("0.00000001", "64000.10", "1E-8", "123456789012345678.901234567891", "7", "100", "0.10", "2.500")
"""Of prices, quantities and fees: how many digits are written is part of what is answered."""
PAGES = [
    PageRequest(),
    PageRequest(latest=True),
    PageRequest(slices=0, fills=7, latest=True),
    PageRequest(slices=3, fills=2),
    PageRequest(slices=3, fills=2, after=PagePosition(slice=2, fill=(3, 1))),
    PageRequest(slices=1, fills=250, after=PagePosition(slice=4, fill=(5, 0))),
    PageRequest(slices=9, fills=1, after=PagePosition(slice=9, fill=(9, 2))),
]


def fills_of(order_id: str, index: int) -> tuple[Fill, ...]:
    """None to three fills a slice, no two alike."""
    return tuple(
        Fill(
            fill_id=f"{order_id}-{index}-{n}" if index % 2 else f'"{order_id}", {index}/{n}, größer',
            slice_index=index,
            time=Nanos(T0 + index),
            exchange=("binance", "kraken")[n % 2],
            price=Decimal(NUMBERS[(index + n) % len(NUMBERS)]),
            quantity=Decimal(NUMBERS[(index * n) % len(NUMBERS)]),
            fee=Decimal(NUMBERS[(index + 3 * n) % len(NUMBERS)]),
            book_seq=2**62 + n,
            book_time=Nanos(T0 - n),
        )
        for n in range(index % 4)
    )


def writes() -> list[list[OrderWrite]]:
    """Two orders with ten slices each, in commits of one slice or of several."""
    made: list[list[OrderWrite]] = []
    for number in (1, 2):
        order = make_order(number)
        made.append([accepted(order, seq=len(made) * 20 + 1)])
        seq = (len(made) - 1) * 20 + 1
        for indexes in ([0], [1], [2], [3, 4, 5], [6], [7, 8], [9]):
            results = tuple(make_slice(index) for index in indexes)
            filled = tuple(fill for index in indexes for fill in fills_of(f"o-{number}", index))
            progress = order.progress
            order = replace(
                order,
                progress=replace(progress, next_slice=indexes[-1] + 1, version=progress.version + 1),
            )
            events = []
            for result in results:
                seq += 1
                own = tuple(fill for fill in filled if fill.slice_index == result.index)
                events.append(make_event(order, seq, OrderEventType.SLICE, result=result, fills=own))
            made.append([OrderWrite(order=order, slices=results, fills=filled, events=tuple(events))])
    return made


async def answers(orders: SqlOrderStore) -> list[str]:
    """All that can be asked, to the letter."""
    found: list[object] = [await orders.open_orders(), await orders.list("alice", limit=9)]
    for token in ("token-1", "token-2"):
        detail = await orders.detail("alice", token)
        assert detail is not None and len(detail.fills) == 13
        found += [detail, table_csv(detail, "fills"), table_csv(detail, "slices")]
        for asked in PAGES:
            found.append(await orders.page("alice", token, asked))
            async with aclosing(orders.parts("alice", token, asked)) as parts:
                found += [part async for part in parts]
        found.append(await orders.events_of("alice", token, EventRange(latest=True), limit=5))
    for since in (0, 7, 161):
        found.append(await orders.events("alice", since, 250))
    return list(map(repr, found))


async def test_an_older_store_is_answered_to_the_letter(
    url: str, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database.open(f"sqlite:///{tmp_path / 'new.db'}") as database:
        orders, made = SqlOrderStore(database), writes()
        for commit in made:
            await orders.commit(commit)
        as_now = await answers(orders)
        async with database.reading() as connection:
            rows = {table: await connection.run_sync(_rows, table) for table in COPIED}
    rows[fills] = [_old_row(write, fill) for commit in made for write in commit for fill in write.fills]
    with monkeypatch.context() as older:
        older.setattr(opening, "migrate", lambda connection: migrate(connection, revision="0009"))
        async with Database.open(url) as database, database.transaction() as connection:
            for table, values in rows.items():
                older_rows = [{name: row[name] for name in row if name not in NEWER} for row in values]
                await connection.execute(insert(table), older_rows)
    assert outside("SELECT count(*) FROM fills") == ["26"]
    async with Database.open(url) as database:
        assert await answers(SqlOrderStore(database)) == as_now
    moved = outside("SELECT quantity FROM fills ORDER BY order_id, slice_index, n")
    assert moved == [f"{row['quantity']:f}" for row in rows[fills]], "the view has the rows of the table"
    filled = "SELECT DISTINCT slice_index FROM slices WHERE fills IS NOT NULL ORDER BY 1"
    assert outside(filled) == ["1", "2", "3", "5", "6", "7", "9"], "none is not the same as an empty list"


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column.name != "fills"]
    return [dict(row) for row in connection.execute(select(*columns)).mappings()]


def _old_row(write: OrderWrite, fill: Fill) -> dict[str, Any]:
    """A fill as it was kept in a row of its own."""
    return {
        "fill_id": fill.fill_id,
        "order_id": write.order.terms.order_id,
        "slice_index": fill.slice_index,
        "n": [one for one in write.fills if one.slice_index == fill.slice_index].index(fill),
        "time": fill.time,
        "exchange": fill.exchange,
        "price": fill.price,
        "quantity": fill.quantity,
        "fee": fill.fee,
        "book_seq": fill.book_seq,
        "book_time": fill.book_time,
    }
