"""Open the database once: check it, migrate it, then serve writers (one, or those of a node) and readers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from sqlalchemy import RowMapping, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from twap_server.domain.clock import Clock
from twap_server.domain.errors import CommitInDoubt, InvalidRequest, StoreTakenOver, StoreUnavailable
from twap_server.store import driver, postgresql, sqlite
from twap_server.store.config import StoreConfig, file_of
from twap_server.store.database_use import DatabaseUse
from twap_server.store.failures import reason, translated, unavailable
from twap_server.store.migrate import is_newest, migrate
from twap_server.store.migrate_once import migrate_once
from twap_server.store.sole_use import refuse_a_log_elsewhere, refuse_other_owner, sole_use

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_LOOK_EVERY_S = 1
_TURN_WITHIN_S = 30
"""Of a transaction that waits for others to end; each of them has its own deadlines."""
_LEASES_ANSWER = timedelta(seconds=2)
"""A lease runs out in three; renewals take another connection before (``cluster/renewals.py``)."""
_MOST_MADE_FOR_RENEWALS = 4
"""Connections at a time."""


class _Way(NamedTuple):
    """How to write: connections, and whose turn it is.

    Who waits here waits in order and without a busy loop in the driver.
    """

    engine: AsyncEngine
    turn: asyncio.Semaphore


class Database:
    """Connections of one open database; see :meth:`open` and :meth:`shared`."""

    def __init__(
        self,
        *,
        writer: AsyncEngine,
        readers: AsyncEngine,
        of_leases: AsyncEngine | None = None,
        of_renewals: AsyncEngine | None = None,
        made_for_renewals: AsyncEngine | None = None,
        writers: int = 1,
        node_id: str = "",
    ) -> None:
        self.node_id = node_id
        """Of this process among those that share the database; empty where it has it alone."""
        self._writer = writer
        self._readers = readers
        self._turn = asyncio.Semaphore(writers)
        self._turn_of_accounts = asyncio.Semaphore(1)
        self._of_leases = _way(of_leases, 1) or _Way(writer, self._turn)
        self._of_renewals = _way(of_renewals, 1) or self._of_leases
        self._made_for_renewals = _way(made_for_renewals, _MOST_MADE_FOR_RENEWALS) or self._of_renewals
        self._is_open = True

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: StoreConfig | str, *, connect: sqlite.Connect | None = None
    ) -> AsyncIterator[Self]:
        """Open, check and migrate a database; close it on leaving.

        Args:
            config: the settings, or just the URL: ``sqlite:///FILE`` or ``postgresql://…``.
            connect: makes SQLite's connections in place of our driver; for simulation.

        Raises:
            StoreUnavailable: it cannot be opened, is damaged, is in use by another server, or was written by
                a newer version; the message says what to do.
        """
        settings = StoreConfig(url=config) if isinstance(config, str) else config
        path = file_of(settings.url)
        with sole_use(path) if path else nullcontext():
            database = await (cls._on_file(settings, path, connect) if path else cls._on_server(settings))
            try:
                yield database
            finally:
                await database._close()

    @classmethod
    @asynccontextmanager
    async def shared(cls, config: StoreConfig | str) -> AsyncIterator[Self]:
        """Use a PostgreSQL database as one of several nodes; none of them writes what is another's (leases).

        The first one migrates; others that start meanwhile wait for it.

        Raises:
            InvalidRequest: it is an SQLite file.
            StoreUnavailable: it cannot be opened, a server has it alone, or a newer version wrote it.
        """
        settings = _of_several(config)
        await migrate_once(settings, _migrate_alone)
        database = await cls._among_nodes(settings)
        try:
            yield database
        finally:
            await database._close()

    @classmethod
    @asynccontextmanager
    async def watched(cls, config: StoreConfig | str) -> AsyncIterator[Self]:
        """Read what several nodes write, without being one of them: nothing is migrated or locked.

        Raises:
            InvalidRequest: it is an SQLite file.
            StoreUnavailable: it cannot be read, or its tables are of another version.
        """
        settings = _of_several(config)
        if not await cls._is_newest(settings, None):
            raise StoreUnavailable(
                "the database has no tables of this version yet: its first `twap-server node` makes them; "
                "to ask before that, use the version that the nodes run"
            )
        database = cls._beside(settings, None)
        try:
            yield database
        finally:
            await database._close()

    @classmethod
    @asynccontextmanager
    async def beside(cls, url: str) -> AsyncIterator[Self]:
        """Use a database beside the server that may be running on it: for accounts, never for orders.

        The server's right to be the only one stays its own. A database without tables, or with older ones, is
        migrated first, as its server would do.

        Raises:
            StoreUnavailable: it cannot be opened, or must be migrated while another server uses it.
        """
        settings, path = StoreConfig(url=url, pool_size=1), file_of(url)
        if path and path.exists():
            refuse_other_owner(path)
            refuse_a_log_elsewhere(path)
        if (path and not path.exists()) or not await cls._is_newest(settings, path):
            async with cls.open(settings):
                """Opening migrates."""
        database = cls._beside(settings, path)
        try:
            yield database
        finally:
            await database._close()

    @classmethod
    def _beside(cls, settings: StoreConfig, path: Path | None) -> Self:
        if path:
            writer = sqlite.connect_to(path, settings, writing=True)
            return cls(writer=writer, readers=sqlite.connect_to(path, settings, writing=False))
        writer = postgresql.connect_to(settings, None, beside=True)
        return cls(writer=writer, readers=postgresql.connect_to(settings, None))

    @classmethod
    async def _is_newest(cls, settings: StoreConfig, path: Path | None) -> bool:
        database = cls._beside(settings, path)
        try:
            async with database.reading() as connection:
                return await connection.run_sync(is_newest)
        finally:
            await database._close()

    @classmethod
    async def _on_file(cls, config: StoreConfig, path: Path, connect: sqlite.Connect | None) -> Self:
        database = cls(
            writer=sqlite.connect_to(path, config, writing=True, connect=connect),
            readers=sqlite.connect_to(path, config, writing=False, connect=connect),
        )
        try:
            await database._refuse_damaged(path)
            await _migrate(database._writer)
        except BaseException:
            await database._close()
            raise
        return database

    @classmethod
    async def _on_server(cls, config: StoreConfig) -> Self:
        use = DatabaseUse()
        patient = postgresql.connect_to(config, use, patient=True)
        try:
            await _migrate(patient)
        finally:
            await patient.dispose()
        database = cls(writer=postgresql.connect_to(config, use), readers=postgresql.connect_to(config, None))
        return await database._registered(use)

    @classmethod
    async def _among_nodes(cls, config: StoreConfig) -> Self:
        use = DatabaseUse(together=True)
        urgent = config.model_copy(update={"busy_timeout": _LEASES_ANSWER, "answer_timeout": _LEASES_ANSWER})
        database = cls(
            writer=postgresql.connect_to(config, use, writers=config.writers),
            readers=postgresql.connect_to(config, None),
            of_leases=postgresql.connect_to(urgent, use, urgent=True),
            of_renewals=postgresql.connect_to(urgent, use, urgent=True),
            made_for_renewals=postgresql.connect_to(urgent, use, urgent=True, is_kept=False),
            writers=config.writers,
            node_id=use.id,
        )
        return await database._registered(use)

    async def _registered(self, use: DatabaseUse) -> Self:
        """From here on a connection that writes holds the lock."""
        try:
            async with self.transaction() as connection:
                await use.register(connection)
        except BaseException:
            await self._close()
            raise
        return self

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
        of_leases = (self._of_leases, self._of_renewals, self._made_for_renewals)
        for engine in (self._readers, self._writer, *(way.engine for way in of_leases)):
            await engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Write: everything done with the connection is recorded on leaving, or nothing of it.

        Transactions of one server run one after another, those of a node beside each other, a few at a time.
        When cancelled while it commits, the transaction may or may not have been recorded; before that,
        nothing was.

        Raises:
            StoreConflict: a unique key was taken; nothing was recorded.
            CommitInDoubt: the database failed while it committed; all was recorded or nothing.
            StoreUnavailable: the database failed, or others took too long; nothing was recorded.
        """
        async with self._writing(_Way(self._writer, self._turn)) as connection:
            yield connection

    @asynccontextmanager
    async def lease_transaction(self) -> AsyncIterator[AsyncConnection]:
        """Write leases, as ``transaction``: over a connection of its own, for a lease does not wait."""
        async with self._writing(self._of_leases) as connection:
            yield connection

    @asynccontextmanager
    async def renewal(self, *, anew: bool) -> AsyncIterator[AsyncConnection]:
        """Renew leases, as ``lease_transaction``: no other question about leases is waited for, either.

        ``anew``: over a connection that is made for it, and that no silent one is waited for.
        """
        async with self._writing(self._made_for_renewals if anew else self._of_renewals) as connection:
            yield connection

    @asynccontextmanager
    async def _writing(self, way: _Way) -> AsyncIterator[AsyncConnection]:
        self._refuse_closed()
        is_committing = False
        try:
            with translated():
                async with _held(way.turn), _answering(way.engine) as connection, connection.begin():
                    yield connection
                    is_committing = True
        except StoreUnavailable as error:
            if is_committing:
                raise CommitInDoubt(str(error)) from error
            raise

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._writer.dialect.name

    async def write(self, statements: Sequence[driver.Statement]) -> None:
        """Write with statements that need no answer in between: SQLite's thread does all in one trip.

        Cancelled or not, all of it is recorded or nothing.

        Raises:
            StoreConflict: a unique key was taken, or a guarded statement found a row changed; nothing was
                recorded.
            CommitInDoubt, StoreUnavailable: as ``transaction``.
        """
        self._refuse_closed()
        with translated():
            async with _held(self._turn), _answering(self._writer) as connection:
                found = (await connection.get_raw_connection()).driver_connection
                assert isinstance(found, driver.DriverConnection)
                try:
                    await found.write(statements)
                except driver.CommitFailed as error:
                    raise CommitInDoubt(unavailable(error.__cause__)) from error

    @asynccontextmanager
    async def account_transaction(self) -> AsyncIterator[AsyncConnection]:
        """Write what is of accounts: as ``transaction``, but one at a time waits among the others.

        However many keys and sign-ins somebody asks for at once, orders wait for one of them. Other processes
        may write the same beside it: rows and unique keys decide between them, never this turn.
        """
        async with _held(self._turn_of_accounts), self.transaction() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Read: all reads with the connection see the same moment.

        Raises:
            StoreUnavailable: the database failed.
        """
        self._refuse_closed()
        with translated():
            async with _answering(self._readers) as connection:
                yield connection

    async def read(
        self, statement: Select[Any], parameters: Mapping[str, Any] | None = None
    ) -> Sequence[RowMapping]:
        """Read with one statement, which needs no transaction around it.

        Raises:
            StoreUnavailable: the database failed.
        """
        async with self.reading() as connection:
            await connection.execution_options(**{sqlite.ALONE: True})
            rows: Sequence[RowMapping] = (await connection.execute(statement, parameters)).mappings().all()
            return rows

    async def read_in_one_trip(self, read: Callable[..., _T], *given: Any) -> _T:
        """Read with SQLite's own connection, given first, in its thread.

        Raises:
            StoreUnavailable: the database failed.
        """
        async with self.reading() as connection:
            found = (await connection.get_raw_connection()).driver_connection
            assert isinstance(found, driver.DriverConnection)
            return await found.call(read, *given)

    async def hold(self, clock: Clock) -> None:
        """Keep the right to write while the server runs, so that nobody else gets it in an idle moment.

        Returns at once for SQLite, whose lock cannot be lost; else runs until cancelled. Of nodes each keeps
        its share of the right: no server gets the database alone while one of them lives.

        Raises:
            StoreTakenOver: another server has it, or had it: this one must stop.
        """
        told = ""
        while self._writer.dialect.name == "postgresql":
            await clock.sleep(_LOOK_EVERY_S)
            try:
                async with self.transaction():
                    """Taking a connection up is enough."""
            except StoreTakenOver:
                raise
            except StoreUnavailable as error:
                if str(error) != told:
                    log.warning("%s; it is tried every second", str(error).removesuffix("; try again"))
                told = str(error)
            else:
                if told:
                    log.warning("the database can be used again")
                told = ""

    def _refuse_closed(self) -> None:
        if not self._is_open:
            raise StoreUnavailable("the database is closed: the server is stopping")


def _way(engine: AsyncEngine | None, many: int) -> _Way | None:
    return None if engine is None else _Way(engine, asyncio.Semaphore(many))


def _of_several(config: StoreConfig | str) -> StoreConfig:
    settings = StoreConfig(url=config) if isinstance(config, str) else config
    if file_of(settings.url):
        raise InvalidRequest(
            "database: several nodes need a PostgreSQL that they share, "
            "postgresql://USER:PASSWORD@HOST/NAME; SQLite is for one process, `twap-server start`",
            field="database",
        )
    return settings


@asynccontextmanager
async def _held(turn: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_TURN_WITHIN_S):
            await turn.acquire()
    except TimeoutError:
        raise StoreUnavailable("too much waits to be written to the database: try again later") from None
    try:
        yield
    finally:
        turn.release()


@asynccontextmanager
async def _answering(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that is not used again once it left a question unanswered."""
    async with engine.connect() as connection:
        try:
            yield connection
        except OSError:
            await connection.invalidate()
            raise


async def _migrate(engine: AsyncEngine) -> None:
    with translated():
        async with engine.begin() as connection:
            await connection.run_sync(migrate)


async def _migrate_alone(config: StoreConfig) -> None:
    """Migrate what nobody uses; no node that used it before may go on with it."""
    use = DatabaseUse()
    patient = postgresql.connect_to(config, use, patient=True)
    try:
        with translated():
            async with patient.begin() as connection:
                await connection.run_sync(migrate)
                await use.register(connection)
    finally:
        await patient.dispose()
