"""A migration stopped at any statement leaves what was there; the next start finishes it (F35)."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine, make_url

from support import children
from support.store.databases import Outside, at_revision
from twap_server.domain.market.instrument import InstrumentId
from twap_server.store.database import Database
from twap_server.store.migrate import NEWEST, SCRIPTS
from twap_server.store.orders import SqlOrderStore

REVISIONS = sorted(path.name[:4] for path in (SCRIPTS / "versions").glob("*.py"))
FROM = [None, *REVISIONS[:-1]]
"""Whence a migration to the newest revision starts."""
SCHEMA = {
    "sqlite": "SELECT coalesce(sql, name) FROM sqlite_master ORDER BY type, name",
    "postgresql": """
        SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace ORDER BY 1
    """,
}


FIRST_ORDER = [
    "INSERT INTO orders VALUES ('o1', 'ada', 't1', 'print', 'binance', 'btcusdt', 'binance', 'BTC-USDT',"
    " 'buy', '123456789012345678.901234567891', NULL, 5, 10, 130, 10, 12, 'catch_up', '2.5',"
    " 'depth', '0.00000001', '0.00001', '10', '[\"cut\"]', '64000.05',"
    " 'STATUS', '0.5', '32000.05', '0', 1, '', '', NULL, 3)",
    "INSERT INTO slices VALUES"
    " ('o1', 0, 10, 'filled', NULL, '0.5', '0.5', '32000.05', 11, '64000.05', 7, 11)",
    "INSERT INTO fills VALUES ('f1', 'o1', 0, 0, 11, 'binance', '64000.10', '0.5', '0')",
    "INSERT INTO order_events VALUES"
    " ('ada', 1, 'slice', 11, 'o1', 0, 1, 'Working', '0.5', '32000.05', '0', 1, '', '', NULL, 3)",
]
"""An order as version 0001 kept it."""


OPEN = """
import asyncio, sys
from twap_server.store.database import Database
async def main():
    async with Database.open(sys.argv[1]):
        pass
"""
"""Opens a database in a process of its own."""


class Stopped(Exception):
    """Somebody stopped the migration."""


@contextmanager
def stopped_after(count: int) -> Iterator[list[str]]:
    """Let the statement after ``count`` others fail; gives those that ran."""
    ran: list[str] = []

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if len(ran) == count:
            raise Stopped
        ran.append(statement)

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield ran
    finally:
        event.remove(Engine, "before_cursor_execute", look)


@pytest.mark.long
@pytest.mark.parametrize("start", FROM)
async def test_stopped_at_any_statement(
    url: str, outside: Outside, monkeypatch: pytest.MonkeyPatch, start: str | None
) -> None:
    schema = SCHEMA[make_url(url).get_backend_name()]
    if start is not None:
        await at_revision(url, "0001", monkeypatch)
        for statement in FIRST_ORDER:
            outside(statement.replace("STATUS", "Working"))
        await at_revision(url, start, monkeypatch)
    left = [_state(outside, schema)]
    for count in range(500):
        with stopped_after(count):
            try:
                async with Database.open(url):
                    break
            except Stopped:
                left.append(_state(outside, schema))
                assert start is None or outside("SELECT count(*) FROM fills") == ["1"]
    whole = _state(outside, schema)
    assert [one for one in left if one not in (left[0], whole)] == [], "neither as before nor as after"
    assert left.count(left[0]) > 2 and left[0] != whole, "it was stopped on the way"
    assert outside("SELECT version_num FROM alembic_version") == REVISIONS[-1:]
    async with Database.open(url):
        """And it opens as ever."""


def _state(outside: Outside, schema: str) -> tuple[list[str], list[str]]:
    """Tables and revision: a migration may change rows alone."""
    tables = outside(schema)
    is_noted = any("alembic_version" in table for table in tables)
    return tables, outside("SELECT version_num FROM alembic_version") if is_noted else []


DIES = """
import asyncio, os, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from twap_server.store.database import Database

left = [int(sys.argv[2])]

@event.listens_for(Engine, "after_cursor_execute")
def look(*_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), 9)

async def main():
    async with Database.open(sys.argv[1]):
        pass

asyncio.run(main())
"""


@pytest.mark.long
@pytest.mark.parametrize("count", [5, 11])
def test_killed_while_it_migrates(url: str, outside: Outside, count: int) -> None:
    schema = SCHEMA[make_url(url).get_backend_name()]
    before = outside(schema)
    died = subprocess.run([sys.executable, "-c", DIES, url, str(count)], capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    assert outside(schema) == before
    environment = children.environment()
    subprocess.run([sys.executable, "-c", DIES, url, "-1"], env=environment, check=True)
    assert outside("SELECT version_num FROM alembic_version") == REVISIONS[-1:]


async def test_there_is_no_way_down(url: str, outside: Outside) -> None:
    schema = SCHEMA[make_url(url).get_backend_name()]
    async with Database.open(url) as database:
        whole = outside(schema)
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))

        def down(connection: Connection) -> None:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")

        with pytest.raises(RuntimeError, match="restore a backup made before the upgrade"):
            async with database.transaction() as connection:
                await connection.run_sync(down)
        assert outside(schema) == whole


@pytest.mark.parametrize("status", ["Working", "Filled"])
async def test_orders_of_the_first_version_live_on(
    url: str, outside: Outside, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    await at_revision(url, "0001", monkeypatch)
    for statement in FIRST_ORDER:
        outside(statement.replace("STATUS", status))
    async with Database.open(url) as database:
        orders = SqlOrderStore(database)
        found = await orders.detail("ada", "t1")
        assert found is not None
        order, told = found.order, await orders.events("ada", 0, 9)
        assert await orders.open_orders() == ([order] if order.status.is_open else [])
    assert str(order.plan.quantity) == "123456789012345678.901234567891"
    assert (order.plan.limit, order.plan.slice_count, order.plan.warnings) == (None, 12, ("cut",))
    assert (order.status.value, order.progress.filled, order.progress.version) == (status, Decimal("0.5"), 3)
    assert order.terms.destinations[0].instrument == InstrumentId("binance", "BTC-USDT")
    assert str(order.terms.destinations[0].lot_size) in ("0.00000001", "1E-8")
    assert [str(fill.price) for fill in found.fills] == ["64000.10"]
    assert [piece.index for piece in found.slices] == [0]
    assert [event.seq for event in told] == [1] and told[0].fills == tuple(found.fills)


def _insert(outside: Outside, table: str, values: Mapping[str, str | int]) -> None:
    written = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values.values())
    outside(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({written})")


async def test_orders_keep_their_coin_when_names_become_canonical(
    url: str, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Kraken calls LUNA is LUNC everywhere else, and what it calls LUNA2 is LUNA."""
    await at_revision(url, "0003", monkeypatch)
    stored = {
        "t1": ("kraken", "LUNA-USD", [("kraken", "LUNA-USD")]),
        "t2": ("kraken", "LUNA2-USD", [("kraken", "LUNA2-USD")]),
        "t3": ("aggregate", "LUNA-USDT", [("binance", "LUNA-USDT"), ("kraken", "LUNA-USDT")]),
        "t4": ("binance", "LUNA-USDT", [("binance", "LUNA-USDT")]),
        "t5": ("kraken", "BTC-USD", [("kraken", "BTC-USD")]),
        "t6": ("coinbase", "CGLD-USD", [("coinbase", "CGLD-USD")]),
    }
    for token, (exchange, symbol, names) in stored.items():
        rules = dict.fromkeys(("lot_size", "min_quantity", "min_notional", "fee"), "0")
        legs = json.dumps([{"exchange": at, "symbol": name, **rules} for at, name in names])
        values = {name: "0" for name in ("filled", "notional", "fees", "tick_size", "lot_size")} | {
            "order_id": token,
            "user_id": "ada",
            "token_id": token,
            "exchange": exchange,
            "symbol": "as spelled",
            "instrument_exchange": exchange,
            "instrument_symbol": symbol,
            "legs": legs,
            "side": "buy",
            "carry": "catch_up",
            "fidelity": "depth",
            "status": "Working",
        }
        numbers = dict.fromkeys(("created", "start_time", "next_slice", "version", "revision"), 1)
        empty = dict.fromkeys(("fingerprint", "reason", "detail"), "")
        _insert(outside, "orders", values | numbers | empty)
        numbers = dict.fromkeys(("revision", "plan_start", "interval_ns", "slice_count", "first_slice"), 1)
        plan = {"order_id": token, "quantity": "1", "base": "0", "warnings": "[]", "end_time": 20}
        _insert(outside, "order_plans", plan | numbers)
    outside("INSERT INTO instruments VALUES ('kraken', 'LUNA-USD', '{}')")
    outside("INSERT INTO instruments VALUES ('binance', 'LUNA-USDT', '{}')")
    async with Database.open(url) as database:
        found = {order.terms.token_id: order.terms for order in await SqlOrderStore(database).open_orders()}
    named = {
        token: (str(one.instrument), [str(leg.instrument) for leg in one.destinations])
        for token, one in found.items()
    }
    assert named == {
        "t1": ("kraken:LUNC-USD", ["kraken:LUNC-USD"]),
        "t2": ("kraken:LUNA-USD", ["kraken:LUNA-USD"]),
        "t3": ("aggregate:LUNA-USDT", ["binance:LUNA-USDT", "kraken:LUNC-USDT"]),
        "t4": ("binance:LUNA-USDT", ["binance:LUNA-USDT"]),
        "t5": ("kraken:BTC-USD", ["kraken:BTC-USD"]),
        "t6": ("coinbase:CELO-USD", ["coinbase:CELO-USD"]),
    }
    assert {one.symbol for one in found.values()} == {"as spelled"}
    assert outside("SELECT exchange FROM instruments") == ["binance"]


def test_revisions_follow_each_other() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    script = ScriptDirectory.from_config(config)
    assert [one.revision for one in script.walk_revisions()] == REVISIONS[::-1]
    assert script.get_current_head() == NEWEST
    assert all(
        one.down_revision is None or one.down_revision < one.revision for one in script.walk_revisions()
    )


@pytest.mark.parametrize("ready", [False, True], ids=["a new database", "nothing to migrate"])
def test_alembic_is_loaded_only_to_migrate(tmp_path: Path, ready: bool) -> None:
    """Loading it takes longer than opening a database."""
    work = "import sys; asyncio.run(main()); print('alembic' in sys.modules)"
    command = [sys.executable, "-c", OPEN + work, f"sqlite:///{tmp_path / 'twap.sqlite3'}"]
    for _ in range(1 + ready):
        done = subprocess.run(command, env=children.environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(not ready)
