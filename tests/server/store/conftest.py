"""A real database file for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from twap_server.domain.clock import Nanos
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'twap.db'}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database.open(url) as database:
        yield database


@pytest.fixture
def orders(database: Database) -> SqlOrderStore:
    return SqlOrderStore(database)


@pytest.fixture
async def accounts(database: Database) -> SqlAccountStore:
    accounts = SqlAccountStore(database)
    await accounts.create_user("u1", "Alice", "hash", Nanos(1))
    return accounts
