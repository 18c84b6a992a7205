"""A migration stopped at any statement leaves what was there; the next start finishes it (F35)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from server.store.conftest import Outside
from twap_server.store import database as opening
from twap_server.store.database import Database
from twap_server.store.migrate import SCRIPTS, migrate

TESTS = Path(__file__).parents[2]
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


async def at_revision(url: str, revision: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a database as an older version left it; empty for None."""
    if revision is not None:
        with monkeypatch.context() as older:
            older.setattr(opening, "migrate", lambda connection: migrate(connection, revision=revision))
            async with Database.open(url):
                pass


@pytest.mark.parametrize("start", FROM)
async def test_stopped_at_any_statement(
    url: str, outside: Outside, monkeypatch: pytest.MonkeyPatch, start: str | None
) -> None:
    schema = SCHEMA[make_url(url).get_backend_name()]
    await at_revision(url, start, monkeypatch)
    before = outside(schema)
    for count in range(500):
        with stopped_after(count) as ran:
            try:
                async with Database.open(url):
                    break
            except Stopped:
                assert outside(schema) == before, ran[-1:]
    assert count > len(REVISIONS), "it was stopped"
    assert outside("SELECT version_num FROM alembic_version") == REVISIONS[-1:]
    async with Database.open(url):
        """And it opens as ever."""


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


@pytest.mark.parametrize("count", [5, 11])
def test_killed_while_it_migrates(url: str, outside: Outside, count: int) -> None:
    schema = SCHEMA[make_url(url).get_backend_name()]
    before = outside(schema)
    died = subprocess.run([sys.executable, "-c", DIES, url, str(count)], capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    assert outside(schema) == before
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    subprocess.run([sys.executable, "-c", DIES, url, "-1"], env=environment, check=True)
    assert outside("SELECT version_num FROM alembic_version") == REVISIONS[-1:]


async def test_all_the_way_down_and_up_again(url: str, outside: Outside) -> None:
    """There is no way down for users; a developer's downgrade leaves nothing behind."""
    schema = SCHEMA[make_url(url).get_backend_name()]
    async with Database.open(url):
        whole = outside(schema)
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))

    def down(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    engine = create_async_engine(make_url(url).set(drivername=driver[make_url(url).get_backend_name()]))
    async with engine.begin() as connection:
        await connection.run_sync(down)
    await engine.dispose()
    assert outside("SELECT count(*) FROM alembic_version") == ["0"]
    assert not [line for line in outside(schema) if "alembic_version" not in line]
    async with Database.open(url):
        assert outside(schema) == whole


def test_revisions_follow_each_other() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    script = ScriptDirectory.from_config(config)
    assert [one.revision for one in script.walk_revisions()] == REVISIONS[::-1]
    assert all(
        one.down_revision is None or one.down_revision < one.revision for one in script.walk_revisions()
    )
