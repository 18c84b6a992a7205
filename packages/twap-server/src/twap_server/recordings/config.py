"""Hold the settings of recording and their defaults."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class RecordConfig(BaseModel):
    """What of the exchanges' messages is kept on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = None
    """Where every message that goes over an exchange's connections is kept; absent: nowhere."""
    segment: timedelta = Field(default=timedelta(minutes=10), ge=timedelta(seconds=1))
    """After so long a new file begins."""
    max_size: int = Field(default=0, ge=0)
    """Bytes of an exchange's files: beyond it the oldest are deleted; 0: as much as there is room."""
    max_age: timedelta = Field(default=timedelta(0), ge=timedelta(0))
    """Files whose last message is older are deleted; 0: never."""
