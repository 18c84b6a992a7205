"""Settings of the store."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


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
