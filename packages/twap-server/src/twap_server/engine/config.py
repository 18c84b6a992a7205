"""The engine's settings; their defaults stand here only."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict


class EngineConfig(BaseModel):
    """Limits and tolerances of execution."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_open_orders: int = 10_000
    """Per user."""
    max_slices: int = 100_000
    """Per order."""
    min_interval: timedelta = timedelta(milliseconds=100)
    max_duration: timedelta = timedelta(days=366)
    max_book_age: timedelta = timedelta(seconds=30)
    """A book whose connection has delivered nothing for longer is not filled from."""
    max_book_wait: timedelta = timedelta(seconds=5)
    """How long a slice waits for a usable book, at most half its interval."""
    impact_half_life: timedelta = timedelta(seconds=10)
    max_pending_commands: int = 10_000
