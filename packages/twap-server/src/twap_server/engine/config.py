"""Hold the engine's settings and their defaults."""

from datetime import timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twap_models.enums import RealismProfile


class EngineConfig(BaseModel):
    """Limits and tolerances of execution."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_open_orders: int = 10_000
    """Per user."""
    max_slices_per_second: int = Field(default=2_000, ge=1)
    """Of all open orders of a user together: less than half of what one core decides and records."""
    max_slices: int = 100_000
    """Per order."""
    min_interval: timedelta = timedelta(milliseconds=100)
    max_duration: timedelta = timedelta(days=366)
    max_book_age: timedelta = timedelta(seconds=30)
    """A book whose connection has delivered nothing for longer is not filled from."""
    max_book_wait: timedelta = timedelta(seconds=5)
    """How long a slice waits for a usable book, at most half its interval."""
    max_leg_spread: Decimal = Field(default=Decimal("0.05"), ge=0, le=10)
    """How far the mids of an aggregate order's exchanges may lie apart, as a share of the lower one."""
    impact_half_life: timedelta = timedelta(seconds=10)
    realism: RealismProfile = RealismProfile.IDEAL
    """Of orders that do not say what they want simulated."""
    max_pending_commands: int = 10_000
    """Of all users together."""
    max_pending_commands_per_user: int = 1_000

    @field_validator("realism")
    @classmethod
    def _has_figures(cls, name: RealismProfile) -> RealismProfile:
        if name is RealismProfile.OWN:
            raise ValueError("expected ideal, local, remote or adverse: own figures belong to an order")
        return name
