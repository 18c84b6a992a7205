"""Set up PostgreSQL connections: deadlines, and the right to write (``database_use``)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from twap_server.domain.errors import StoreUnavailable
from twap_server.store.config import StoreConfig
from twap_server.store.database_use import DatabaseUse

# So that a server behind a cut cable is noticed, and its lock given up, in seconds instead of hours.
_SETTINGS = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_STANDS_STILL, _STANDS_STILL_URGENTLY = "60s", "1s"
"""So long a transaction whose client says nothing keeps its locks."""


_ONCE: Mapping[str, Any] = {"poolclass": NullPool}


def connect_to(
    config: StoreConfig,
    use: DatabaseUse | None,
    *,
    patient: bool = False,
    beside: bool = False,
    urgent: bool = False,
    is_kept: bool = True,
    writers: int = 1,
) -> AsyncEngine:
    """Make the writer's engine (its connections have the lock) or the readers' (a pool that cannot write).

    Args:
        config: the settings.
        use: the right to write; None for readers, whose transactions see one moment each.
        patient: wait for an answer without a limit, as a migration of a large table needs.
        beside: write without that right, beside the server that has it; for accounts, never for orders.
        urgent: for leases: others wait for the rows of who stands still in the middle of a transaction.
        is_kept: whether connections are used again, after a look whether they still answer.
        writers: connections that write; one server alone has one.

    Raises:
        StoreUnavailable: the driver is not installed.
    """
    server_settings = {
        **_SETTINGS,
        "application_name": use.name if use else f"twap-server {'beside' if beside else 'reading'}",
        "idle_in_transaction_session_timeout": _STANDS_STILL_URGENTLY if urgent else _STANDS_STILL,
        "lock_timeout": str(config.busy_timeout // timedelta(milliseconds=1)),
        "default_transaction_read_only": "off" if use or beside else "on",
    }
    try:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            **(_kept(config, writers if use or beside else config.pool_size) if is_kept else _ONCE),
            hide_parameters=True,
            isolation_level="READ COMMITTED" if use or beside else "REPEATABLE READ",
            connect_args={
                "dsn": make_url(config.url)
                .set(drivername="postgresql")
                .render_as_string(hide_password=False),
                "timeout": config.answer_timeout.total_seconds(),
                "command_timeout": None if patient else config.answer_timeout.total_seconds(),
                "server_settings": server_settings,
            },
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            "PostgreSQL needs a package that is not installed: pip install asyncpg, or use sqlite:///FILE"
        ) from error
    if use:
        event.listen(engine.sync_engine, "connect", lambda made, _record: made.run_async(use.take))
    return engine


def _kept(config: StoreConfig, many: int) -> Mapping[str, Any]:
    return {
        "pool_size": many,
        "max_overflow": 0,
        "pool_timeout": config.busy_timeout.total_seconds(),
        "pool_pre_ping": True,
    }
