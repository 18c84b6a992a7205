"""Let one of several nodes that start together migrate the database; the others wait until it has."""

from collections.abc import Awaitable, Callable
from typing import Final

from twap_server.store import postgresql
from twap_server.store.config import StoreConfig
from twap_server.store.failures import translated
from twap_server.store.migrate import is_newest

_LOCK: Final = int.from_bytes(b"twap-mig")
"""The advisory lock of the node that migrates: others wait for it however long that takes."""


async def migrate_once(config: StoreConfig, migrate: Callable[[StoreConfig], Awaitable[None]]) -> None:
    """Call ``migrate`` if the schema is not the newest and nobody else makes it that.

    Raises:
        StoreUnavailable: the database cannot be used, or was written by a newer version of the server.
    """
    engine = postgresql.connect_to(config, None, beside=True, patient=True)
    try:
        with translated():
            async with engine.connect() as connection:
                if await connection.run_sync(is_newest):
                    return
                await connection.commit()  # what has been looked at is in nobody's way
                await connection.exec_driver_sql("SET lock_timeout = 0")
                await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
                is_done = await connection.run_sync(is_newest)
                await connection.commit()  # the session keeps the lock, and no transaction stands idle
                if not is_done:
                    await migrate(config)
    finally:
        await engine.dispose()
