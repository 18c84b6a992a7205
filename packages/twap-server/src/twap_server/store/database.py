"""The database: opened once, checked, migrated, then one writer and a pool of readers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Self

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from twap_server.domain.errors import StoreUnavailable
from twap_server.store import sqlite
from twap_server.store.config import StoreConfig
from twap_server.store.failures import reason, translated
from twap_server.store.migrate import migrate


class Database:
    """Connections of one open database; see :meth:`open`."""

    def __init__(self, *, writer: AsyncEngine, readers: AsyncEngine) -> None:
        self._writer = writer
        self._readers = readers
        # SQLite has one writer: who waits here waits in order and without a busy loop in the driver.
        self._turn = asyncio.Lock() if writer.dialect.name == "sqlite" else nullcontext()
        self._is_open = True

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: StoreConfig | str, *, connect: sqlite.Connect | None = None
    ) -> AsyncIterator[Self]:
        """Open, check and migrate a database; close it on leaving.

        Args:
            config: the settings, or just the URL: ``sqlite:///FILE`` or ``postgresql://…``.
            connect: makes SQLite's connections in place of aiosqlite; for simulation.

        Raises:
            StoreUnavailable: it cannot be opened, is damaged, is in use by another server, or was written by
                a newer version; the message says what to do.
        """
        settings = StoreConfig(url=config) if isinstance(config, str) else config
        path = _file_of(settings.url)
        with sqlite.sole_use(path) if path else nullcontext():
            if path:
                sqlite.prepare_file(path)
            database = cls._connect(settings, path, connect)
            try:
                await database._start(path)
                yield database
            finally:
                await database._close()

    @classmethod
    def _connect(cls, config: StoreConfig, path: Path | None, connect: sqlite.Connect | None) -> Self:
        if path:
            return cls(
                writer=sqlite.connect_to(path, config, writing=True, connect=connect),
                readers=sqlite.connect_to(path, config, writing=False, connect=connect),
            )
        engine = _postgresql(config)
        return cls(writer=engine, readers=engine)

    async def _start(self, path: Path | None) -> None:
        if path:
            await self._refuse_damaged(path)
        with translated():
            async with self._writer.begin() as connection:
                await connection.run_sync(migrate)

    async def _refuse_damaged(self, path: Path) -> None:
        try:
            async with self._writer.connect() as connection:
                damage = await connection.run_sync(sqlite.check)
        except DBAPIError as error:
            damage = reason(error)
        if damage:
            raise StoreUnavailable(
                f"the database {path} cannot be used ({damage}): restore it from a backup, "
                f"or move {path.name} (with {path.name}-wal and {path.name}-shm) away to start empty"
            )

    async def _close(self) -> None:
        self._is_open = False
        await self._readers.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Write: everything done with the connection is recorded on leaving, or nothing of it.

        Transactions run one after another in SQLite. When cancelled while it commits, the transaction may
        or may not have been recorded; before that, nothing was.

        Raises:
            StoreConflict: a unique key was taken; nothing was recorded.
            StoreUnavailable: the database failed; nothing is known to be recorded.
        """
        self._refuse_closed()
        with translated():
            async with self._turn, self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Read: all reads with the connection see the same moment in SQLite.

        Raises:
            StoreUnavailable: the database failed.
        """
        self._refuse_closed()
        with translated():
            async with self._readers.connect() as connection:
                yield connection

    def _refuse_closed(self) -> None:
        if not self._is_open:
            raise StoreUnavailable("the database is closed: the server is stopping")


def _file_of(url: str) -> Path | None:
    """The file of an SQLite URL, None for PostgreSQL. Resolved, so that one file has one lock."""
    try:
        parts = make_url(url)
    except ArgumentError:
        raise StoreUnavailable(
            "the database URL cannot be read: write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    backend = parts.get_backend_name()
    if backend == "postgresql":
        return None
    if backend != "sqlite":
        raise StoreUnavailable(f"databases of kind {backend!r} are not supported: use sqlite or postgresql")
    if parts.database in (None, "", ":memory:"):
        raise StoreUnavailable("the database needs a file, for orders must survive a restart: sqlite:///FILE")
    return Path(str(parts.database)).expanduser().resolve()


def _postgresql(config: StoreConfig) -> AsyncEngine:
    url = make_url(config.url).set(drivername="postgresql+asyncpg")
    lock_ms = int(config.busy_timeout.total_seconds() * 1_000)
    try:
        return create_async_engine(
            url,
            pool_size=config.pool_size + 1,
            hide_parameters=True,
            connect_args={"server_settings": {"lock_timeout": str(lock_ms)}},
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            "PostgreSQL needs a package that is not installed: pip install asyncpg, or use sqlite:///FILE"
        ) from error
