"""Hold the settings of the store."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from twap_server.domain.errors import StoreUnavailable

_LAST_PORT = 65_535


class StoreConfig(BaseModel):
    """Where the database is and how patiently it is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(repr=False)
    """``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``."""
    busy_timeout: timedelta = timedelta(seconds=5)
    """How long a statement waits for a lock, or for a free connection, before it fails."""
    answer_timeout: timedelta = timedelta(seconds=10)
    """How long PostgreSQL may take to answer before the connection is given up for dead."""
    pool_size: int = Field(default=4, ge=1, le=64)
    """Connections kept for reading, beside the writer's own."""
    writers: int = Field(default=4, ge=1, le=64)
    """Connections kept for writing where several nodes share the database; one server alone has one."""


def file_of(url: str) -> Path | None:
    """The file of an SQLite URL, None for PostgreSQL. Resolved: a link names the same file."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUnavailable(
            "the database URL cannot be read: write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    backend = parts.get_backend_name()
    if backend == "postgresql":
        if (parts.port or 0) > _LAST_PORT:
            raise StoreUnavailable(f"the database URL has port {parts.port}: use one below {_LAST_PORT + 1}")
        return None
    if backend != "sqlite":
        raise StoreUnavailable(f"databases of kind {backend!r} are not supported: use sqlite or postgresql")
    if parts.database in (None, "", ":memory:"):
        raise StoreUnavailable("the database needs a file, for orders must survive a restart: sqlite:///FILE")
    return Path(str(parts.database)).resolve()
