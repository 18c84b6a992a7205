"""What a store of each kind must do: in memory, in a file, in a PostgreSQL; a real database for each test."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import event

from support.postgres import PostgresServer
from support.store import templates
from support.store.databases import Outside
from support.stores.accounts import MemoryAccounts
from support.stores.kinds import AccountStore, OrderStore
from support.stores.orders import MemoryStore
from twap_server.domain.clock import Nanos
from twap_server.store import driver
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

SQL = {"sqlite": "file_url", "postgresql": "server_url"}
OPENED = {"database", "orders", "accounts"}
"""What opens a database before the test begins: it may have been migrated already."""


def is_opened(request: pytest.FixtureRequest) -> bool:
    return not OPENED.isdisjoint(request.fixturenames)


@pytest.fixture
def file_url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    file = tmp_path / "data" / "twap.db"
    if is_opened(request):
        templates.copy_to(file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def server_template(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        templates.migrated(url)
        yield url.rpartition("/")[2]


@pytest.fixture
def server_url(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    template = request.getfixturevalue("server_template") if is_opened(request) else "template0"
    with postgres.database(template=template) as url:
        yield url


@pytest.fixture
def migrated_url(postgres: PostgresServer, server_template: str) -> Iterator[str]:
    """A PostgreSQL database with all tables, for those who open it in their own way."""
    with postgres.database(template=server_template) as url:
        yield url


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for nothing of a database is held to by memory as well."""
    if "kind" in metafunc.fixturenames:
        is_sql = {"url", "database"} & set(metafunc.fixturenames)
        kinds = SQL if is_sql else ["memory", *SQL]
        metafunc.parametrize("kind", getattr(metafunc.module, "KINDS", kinds))


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(SQL[kind]))


@pytest.fixture
def outside(url: str, request: pytest.FixtureRequest) -> Outside:
    def on_server(statement: str) -> list[str]:
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.sql(statement, database=url.rpartition("/")[2]).splitlines()

    def on_file(statement: str) -> list[str]:
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(exist_ok=True)
        connection = sqlite3.connect(file)
        with connection:
            rows = [str(row[0]) for row in connection.execute(statement)]
        connection.close()
        return rows

    return on_file if url.startswith("sqlite") else on_server


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database.open(url) as database:
        yield database


@pytest.fixture
def written(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The statements of each transaction that is written from now on, a list each; clear it where needed."""
    made: list[list[str]] = []
    writer, write = database._writer.sync_engine, driver.DriverConnection.write
    event.listen(writer, "begin", lambda _: made.append([]))
    event.listen(writer, "before_cursor_execute", lambda *seen: made[-1].append(seen[2]) if made else None)

    async def note(self: driver.DriverConnection, statements: Sequence[driver.Statement]) -> None:
        made[-1:] = [[one.sql for one in statements]]
        await write(self, statements)

    monkeypatch.setattr(driver.DriverConnection, "write", note)
    return made


@pytest.fixture
def orders(kind: str, request: pytest.FixtureRequest) -> OrderStore:
    return MemoryStore() if kind == "memory" else SqlOrderStore(request.getfixturevalue("database"))


@pytest.fixture
def _accounts(kind: str, request: pytest.FixtureRequest) -> AccountStore:
    return MemoryAccounts() if kind == "memory" else SqlAccountStore(request.getfixturevalue("database"))


@pytest.fixture
async def accounts(_accounts: AccountStore) -> AccountStore:
    await _accounts.users.create_user("u1", "Alice", "hash", Nanos(1))
    return _accounts
