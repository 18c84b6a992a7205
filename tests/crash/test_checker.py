"""The checker bites: each kind of harm, done to a copy of an honest store or to what was told, is found."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from crash.answers import check_details, check_lists, check_replay
from crash.facts import Facts, from_sqlite
from crash.journal import Breach, Journal
from crash.load import Load
from crash.rules import Times, check
from crash.world import TAKER_FEE, Life
from support.live import serving, until_listed
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

FIXED = {
    "token_id": "fixed", "exchange": "aggregate", "symbol": "BTC-USDT", "side": "buy", "quantity": "1",
    "duration": "1500ms", "interval": "100ms",
}  # fmt: skip


@dataclass(kw_only=True)
class Honest:
    """What an undisturbed server left, and what it told."""

    database: Path
    journal: Journal
    times: Times
    shown: dict[str, list[Breach]]
    """What the checks through the API found, against the true store and against one without a fill."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    return asyncio.run(_trade(tmp_path_factory.mktemp("honest")))


async def _trade(folder: Path) -> Honest:
    clock = SystemClock()
    database, life = folder / "twap.sqlite3", Life(spawned=time.time_ns())
    async with Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue:
        urls = {name: {**of, "taker_fee": TAKER_FEE} for name, of in venue.urls().items()}
        async with serving(folder, urls) as url, httpx.AsyncClient(base_url=url) as http:
            await until_listed(url, *urls)
            load = Load(url, journal=Journal(), users=2, orders=12, seed=1, pace=0.3)
            await load.sign_up()
            life.ready = time.time_ns()
            async with asyncio.TaskGroup() as group:
                traffic = group.create_task(load.run())
                await _one_of_each(load)
                await asyncio.sleep(1.5)
                await load.calm()
                await _all_ended(http, load)
                traffic.cancel()
            shown = {
                name: await _ask(http, load, facts) for name, facts in {
                    "true": from_sqlite(database), "false": _changed(database, _NO_FILL)
                }.items()
            }  # fmt: skip
            await load.close()
    life.dead = time.time_ns()
    times = Times(lives=[life], read_at=life.dead, now=life.dead)
    return Honest(database=database, journal=load.journal, times=times, shown=shown)


async def _one_of_each(load: Load) -> None:
    """An order that is amended, paused and resumed, whatever else chance brings."""
    user = load.users[1]
    await load.submit(user, [FIXED])
    await load.amend(user, FIXED["token_id"])
    await load.ask(user, FIXED["token_id"], "paused", "POST", "/pause")
    await asyncio.sleep(0.3)
    await load.ask(user, FIXED["token_id"], "resumed", "POST", "/resume")


async def _all_ended(http: httpx.AsyncClient, load: Load) -> None:
    async with asyncio.timeout(20):
        for user in load.users:
            headers = {"X-API-Key": user.key}
            while (await http.get("/orders?status=open", headers=headers)).json():
                await asyncio.sleep(0.05)


async def _ask(http: httpx.AsyncClient, load: Load, facts: Facts) -> list[Breach]:
    found: list[Breach] = []
    for user in load.users:
        found += await check_lists(http, user, load.journal, spawned=time.time_ns(), since=0)
        found += await check_details(http, user, load.journal, facts)
        found += await check_replay(str(http.base_url), user, load.journal, facts)
    return found


def _changed(database: Path, statements: str) -> Facts:
    """The facts of a copy to which harm was done."""
    copy = database.with_name("changed.sqlite3")
    copy.unlink(missing_ok=True)
    with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        target.executescript(_FILLS_AS_ROWS)
        before = target.total_changes
        target.executescript(statements)
        assert target.total_changes > before, "it changed nothing"
    source.close()
    target.close()
    return from_sqlite(copy)


_FILLS_AS_ROWS = """
    CREATE TABLE of_slices AS SELECT * FROM fills;
    DROP VIEW fills;
    ALTER TABLE of_slices RENAME TO fills;
"""
"""Rows can be harmed one by one; whoever reads the facts asks for ``fills`` and cannot tell."""
_ONE_FILL = "(SELECT fill_id FROM fills WHERE n = 0 ORDER BY fill_id LIMIT 1)"
_NO_FILL = f"DELETE FROM fills WHERE fill_id = {_ONE_FILL}"
_CHANGE_FILL = f"UPDATE fills SET {{}} WHERE fill_id = {_ONE_FILL}"
_CHANGE_ORDER = "UPDATE orders SET {} WHERE order_id = {}"
_BOUGHT = "(SELECT order_id FROM fills JOIN orders USING (order_id) WHERE side = 'buy' LIMIT 1)"
_ENDED = "(SELECT order_id FROM orders WHERE status IN ('Filled', 'Expired') LIMIT 1)"
_EVENT = "(SELECT rowid FROM order_events WHERE type = 'slice' LIMIT 1)"
_GONE = "".join(
    f"DELETE FROM {table} WHERE order_id = (SELECT order_id FROM orders WHERE token_id = 'user0-2');"
    for table in ("fills", "order_events", "slices", "order_plans", "orders")
)

HARM = {
    "a fill is gone": ("I7", _NO_FILL),
    "a fill is there twice": (
        "I7",
        f"CREATE TABLE twin AS SELECT * FROM fills WHERE fill_id = {_ONE_FILL};"
        "UPDATE twin SET fill_id = fill_id || 'x', n = n + 1000;"
        "INSERT INTO fills SELECT * FROM twin",
    ),
    "a fill is larger": ("I7", _CHANGE_FILL.format("quantity = '77'")),
    "more is filled than was ordered": ("I1", _CHANGE_FILL.format("quantity = '777'")),
    "a fee is a digit off": ("I7", _CHANGE_FILL.format("fee = fee || '1'")),
    "the filled quantity is a digit off": (
        "I7",
        _CHANGE_ORDER.format("filled = filled || '1'", _BOUGHT),
    ),
    "the notional is a digit off": ("I7", _CHANGE_ORDER.format("notional = notional || '1'", _BOUGHT)),
    "a slice says it filled less": ("I7", "UPDATE slices SET outcome = 'partial' WHERE outcome = 'filled'"),
    "a slice is gone": ("I2", f"DELETE FROM slices WHERE slice_index = 1 AND order_id = {_BOUGHT}"),
    "a fill is above the limit": ("I4", "UPDATE order_plans SET limit_price = '1'"),
    "a fill is after the end": ("I6", _CHANGE_FILL.format("time = time + 99000000000")),
    "a fill is not of its slice's moment": ("I6", _CHANGE_FILL.format("time = time - 1")),
    "an acknowledged order is gone": ("I8", _GONE),
    "an acknowledged order is another": (
        "I10",
        "UPDATE orders SET token_id = 'x' WHERE token_id = 'user0-1';"
        "UPDATE orders SET token_id = 'user0-1' WHERE token_id = 'user0-2'",
    ),
    "a plan is gone": ("I8", "DELETE FROM order_plans WHERE revision = 2"),
    "all plans are gone": ("I8", "DELETE FROM order_plans"),
    "an acknowledged pause is gone": ("I8", "UPDATE order_events SET type = 'slice' WHERE type = 'paused'"),
    "an event is gone": ("I8", f"DELETE FROM order_events WHERE rowid = {_EVENT}"),
    "an event says otherwise": ("I8", f"UPDATE order_events SET type = 'working' WHERE rowid = {_EVENT}"),
    "an ended order is open": (
        "I9",
        _CHANGE_ORDER.format("status = 'Working', ended = NULL", _ENDED),
    ),
    "a fill belongs to no order": (
        "I7",
        _CHANGE_FILL.format("order_id = 'nobody'"),
    ),
}  # fmt: skip


def _rules(found: list[Breach]) -> set[str]:
    return {breach.rule for breach in found}


def test_an_honest_server_is_not_blamed(honest: Honest) -> None:
    facts = from_sqlite(honest.database)
    assert len(facts.records) > 10
    assert sum(len(record.fills) for record in facts.records.values()) > 20
    assert {"Filled", "Expired", "Rejected"} <= {one.order["status"] for one in facts.records.values()}
    assert honest.journal.breaches == []
    assert check(facts, honest.journal, honest.times) == []
    assert honest.shown["true"] == []


@pytest.mark.parametrize(("rule", "statements"), HARM.values(), ids=HARM.keys())
def test_harm_to_the_store_is_found(honest: Honest, rule: str, statements: str) -> None:
    facts = _changed(honest.database, statements)
    assert rule in _rules(check(facts, honest.journal, honest.times))


def test_an_answer_that_differs_from_the_store_is_found(honest: Honest) -> None:
    assert "I7" in _rules(honest.shown["false"])


def test_a_fill_while_nobody_was_there_is_found(honest: Honest) -> None:
    facts = from_sqlite(honest.database)
    moment = next(record for record in facts.records.values() if record.fills).fills[0]["time"]
    times = replace(honest.times, lives=_away(honest, moment - 1, moment + 1))
    assert "I6" in _rules(check(facts, honest.journal, times))


def test_a_slice_lost_to_a_downtime_must_say_so(honest: Honest) -> None:
    facts = from_sqlite(honest.database)
    record = facts.of_user()["user1", "fixed"]
    since, until = record.slices[0]["due"] - 1, record.order["end_time"] + 1
    times = replace(honest.times, lives=_away(honest, since, until))
    assert "F23" in _rules(check(facts, honest.journal, times))


def test_an_order_that_ended_late_is_found(honest: Honest) -> None:
    facts = _changed(honest.database, "UPDATE order_plans SET end_time = 2")
    always_up = replace(honest.times.lives[0], spawned=0, ready=1)
    times = replace(honest.times, lives=[always_up])
    assert "I9" in _rules(check(facts, honest.journal, times))
    assert "I9" not in _rules(check(from_sqlite(honest.database), honest.journal, times))


def _away(honest: Honest, dead: int, spawned: int) -> list[Life]:
    only = honest.times.lives[0]
    return [replace(only, dead=dead), replace(only, spawned=spawned, ready=spawned)]


def test_half_a_list_is_found(honest: Honest) -> None:
    told = honest.journal.as_it_is()
    told.sent("user0", [{"token_id": "user0-1"}, {"token_id": "never"}])
    assert "F37" in _rules(check(from_sqlite(honest.database), told, honest.times))


BODY = {"token_id": "t", "quantity": "1"}
ORDER = {
    "token_id": "t", "order_id": "o", "symbol": "BTC-USDT", "side": "buy", "instrument": "BTC-USDT",
    "exchange": "binance", "creation_time": "c", "quantity": 1, "limit_price": None, "start_time": "s",
    "end_time": "e", "interval": 1, "slice_count": 2, "status": "Canceled", "filled_quantity": 0,
    "average_price": None, "fill_state": "none", "reason": None,
}  # fmt: skip
EVENT = {"seq": 1, "event": "accepted", "token_id": "t", "order": ORDER}

LIES: dict[str, tuple[str, Callable[[Journal], None]]] = {
    "a repeat names another order": ("I10", lambda told: _told(told, BODY, ORDER | {"order_id": "p"})),
    "another body is taken": ("I10", lambda told: _told(told, BODY | {"quantity": "2"}, ORDER)),
    "an end is taken back": ("I9", lambda told: _told(told, BODY, ORDER | {"status": "Working"})),
    "more was filled after the end": ("I9", lambda told: _told(told, BODY, ORDER | {"filled_quantity": 1})),
    "an item is not answered": ("F37", lambda told: told.answered(told.sent("ada", [BODY]), [], asked=0)),
    "an event comes back changed": ("I8", lambda told: _seen(told, EVENT, EVENT | {"event": "slice"})),
}


def _told(journal: Journal, body: dict[str, object], order: dict[str, object]) -> None:
    journal.answered(journal.sent("ada", [body]), [order], asked=time.time_ns())


def _seen(journal: Journal, *events: dict[str, object]) -> None:
    for event in events:
        journal.event("ada", event)


def test_the_same_answer_twice_is_no_lie() -> None:
    journal = Journal()
    for _ in range(2):
        _told(journal, BODY, ORDER)
    assert journal.breaches == []


@pytest.mark.parametrize(("rule", "lie"), LIES.values(), ids=LIES.keys())
def test_a_lie_is_found(rule: str, lie: Callable[[Journal], None]) -> None:
    journal = Journal()
    _told(journal, BODY, ORDER)
    lie(journal)
    assert rule in _rules(journal.breaches)
