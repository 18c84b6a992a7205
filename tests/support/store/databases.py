"""Databases as others see them, and as older versions left them."""

from collections.abc import Callable

import pytest

from twap_server.store import database as opening
from twap_server.store.database import Database
from twap_server.store.database_use import DatabaseUse
from twap_server.store.migrate import migrate

Outside = Callable[[str], list[str]]
"""Runs a statement as another program would; gives the rows, a column of text."""


async def at_revision(url: str, revision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring a database to where an older version left it."""
    with monkeypatch.context() as older:
        older.setattr(opening, "migrate", lambda connection: migrate(connection, revision=revision))
        older.setattr(DatabaseUse, "register", _nothing)
        async with Database.open(url):
            pass


async def _nothing(*_: object) -> None:
    """Older versions kept no list of servers."""
