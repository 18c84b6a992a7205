"""Closed orders by their end, and what is kept of their costs: every digit, once, and everybody's own."""

from decimal import Decimal
from typing import Any

import pytest

from support.changes import replace
from support.store.closed import ENDED, at_work, expired, numbered, recorded, sold, unpriced
from support.store.databases import Outside, at_revision
from support.stores.costs import MemoryCosts
from twap_models.enums import OrderStatus, Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.tca.headline import CostFigures, CostFilter, figures_of
from twap_server.store import costs as stored
from twap_server.store.costs import SqlCostStore
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

ALL = CostFilter()
LONG = Decimal("-123456789012345678.901234567891")


def later(seconds: int) -> Nanos:
    return Nanos(ENDED + seconds * SECOND)


RECORDS = [
    numbered(expired(), 1),
    numbered(sold(), 2, later=100),
    numbered(expired(), 3, later=100, exchange="kraken", symbol="BTC-EUR"),
    numbered(unpriced(), 4, later=200, symbol="ETH-USDT"),
    numbered(at_work(), 5, later=300),
    numbered(expired(), 6, later=50, user_id="bob"),
]
rejected = numbered(unpriced(), 7, later=400)
RECORDS.append(
    replace(
        rejected,
        order=replace(rejected.order, progress=replace(rejected.order.progress, status=OrderStatus.REJECTED)),
    )
)
FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [4, 3, 2, 1]),
    ({"exchange": "kraken"}, [3]),
    ({"symbols": {"BTC-USDT", "NO-NE"}}, [2, 1]),
    ({"symbols": set()}, []),
    ({"side": Side.SELL}, [2]),
    ({"start": later(100)}, [4, 3]),
    ({"end": later(100)}, [2, 1]),
    ({"start": later(0), "end": later(200)}, [3, 2, 1]),
    ({"exchange": "binance", "side": Side.BUY, "symbols": {"BTC-USDT"}}, [1]),
]


@pytest.fixture
async def costs(database: Database) -> SqlCostStore:
    await recorded(SqlOrderStore(database), *RECORDS)
    return SqlCostStore(database)


async def numbers(costs: SqlCostStore, wanted: CostFilter, **page: Any) -> list[int]:
    found = await costs.closed("alice", wanted, **{"limit": 100, "after": None, **page})
    return [int(one.order.terms.token_id[2:]) for one in found]


@pytest.mark.parametrize(("wanted", "expected"), FILTERS)
async def test_closed_orders_come_by_their_end_as_the_filter_says(
    costs: SqlCostStore, wanted: dict[str, Any], expected: list[int]
) -> None:
    """Memory, which other tests stand on, gives the same."""
    chosen = CostFilter(**wanted)
    assert await numbers(costs, chosen) == expected
    memory = MemoryCosts(lambda user: [one.order for one in RECORDS if one.order.terms.user_id == user])
    found = await memory.closed("alice", chosen, limit=100, after=None)
    assert [int(one.order.terms.token_id[2:]) for one in found] == expected
    assert await costs.unmeasured("alice", chosen, limit=9) == await memory.unmeasured(
        "alice", chosen, limit=9
    )
    assert await costs.are_more_than(len(expected) - 1, "alice", chosen)
    assert not await costs.are_more_than(len(expected), "alice", chosen)


async def test_pages_follow_one_another_though_two_ended_at_once(
    costs: SqlCostStore, database: Database
) -> None:
    twins = [numbered(expired(), number, later=100) for number in (11, 12, 13)]
    await recorded(SqlOrderStore(database), *twins)
    seen, after = list[int](), None
    while found := await costs.closed("alice", ALL, limit=2, after=after):
        seen += [int(one.order.terms.token_id[2:]) for one in found]
        last = found[-1].order
        after = (Nanos(last.progress.ended or 0), last.terms.order_id)
    assert seen == [4, 13, 12, 11, 3, 2, 1]


async def test_figures_come_back_digit_for_digit_and_are_written_once(costs: SqlCostStore) -> None:
    whole = CostFigures(**{name: LONG for name in CostFigures.__slots__})
    nothing = CostFigures(**{name: None for name in CostFigures.__slots__})
    await costs.keep({"o-000001": whole, "o-000004": nothing})
    await costs.keep({"o-000001": nothing, "o-000002": figures_of(RECORDS[1])})
    await costs.keep({})
    found = {
        one.order.terms.token_id: one.figures for one in await costs.closed("alice", ALL, limit=9, after=None)
    }
    assert found == {"t-4": nothing, "t-3": None, "t-2": figures_of(RECORDS[1]), "t-1": whole}
    assert found["t-1"] and str(found["t-1"].shortfall) == str(LONG)
    (missing,) = await costs.unmeasured("alice", ALL, limit=9)
    assert (missing.token_id, missing.slices, missing.ended) == ("t-3", 4, later(100))


async def test_what_each_order_adds_comes_in_parts(
    costs: SqlCostStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "_AT_ONCE", 3)
    await costs.keep({"o-000002": figures_of(RECORDS[1])})
    parts = [part async for part in costs.tallies("alice", ALL)]
    assert [len(part) for part in parts] == [3, 1]
    four, three, two, one = (one for part in parts for one in part)
    assert (four.quote, four.filled, four.notional, four.is_known) == ("USDT", 0, 0, False)
    assert (three.quote, three.filled, three.notional) == ("EUR", 3, Decimal("306.325"))
    assert (two.is_known, two.shortfall, two.reference) == (True, Decimal("0.7994"), 200)
    assert (one.is_known, one.shortfall, one.reference) == (False, None, None)
    assert [part async for part in costs.tallies("nobody", ALL)] == [[]]


async def test_closed_orders_are_found_in_their_index(costs: SqlCostStore, database: Database) -> None:
    """A user with many open orders, or a million closed ones, pays for the page alone."""
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL reads a small table as a whole, whatever the index")
    statement = stored._newest(stored.queries.whole(), "alice", ALL, (later(100), "o-000003"))
    text = statement.limit(5).compile(dialect=stored.sqlite.dialect(), compile_kwargs={"literal_binds": True})
    async with database.reading() as connection:
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")).all()
    assert "ix_orders_ended" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


async def test_orders_of_an_older_version_are_there_to_be_computed(
    url: str, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_revision(url, "0006", monkeypatch)
    columns = (
        "order_id, user_id, token_id, fingerprint, exchange, symbol, instrument_exchange, instrument_symbol, "
        "side, created, start_time, carry, fidelity, lot_size, status, filled, notional, fees, next_slice, "
        "reason, detail, ended, version"
    )
    outside(
        f"INSERT INTO orders ({columns}) VALUES ('o1', 'alice', 't1', 'f', 'binance', 'btcusdt', 'binance', "
        "'BTC-USDT', 'buy', 1, 1, 'last', 'depth', '0.1', 'Filled', '1', '100', '0', 1, '', '', 9, 2)"
    )
    async with Database.open(url) as database:
        (missing,) = await SqlCostStore(database).unmeasured("alice", ALL, limit=9)
    assert (missing.order_id, missing.ended) == ("o1", 9)
