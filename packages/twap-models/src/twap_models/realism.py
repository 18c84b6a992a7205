"""Define how much of what a real order meets is simulated: a profile's name, or figures of an order's own."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from twap_models.base import RequestModel, ResponseModel
from twap_models.enums import FeeSource, ImpactModel
from twap_models.fields import Amount, Duration, Told

PROFILE, FIGURES = "name of a profile", "own figures"
"""Tags of the two shapes: see ``plain_words.SHAPES``."""
LONGEST_LATENCY = timedelta(minutes=1)
SHORTEST_HALF_LIFE, LONGEST_HALF_LIFE = timedelta(milliseconds=100), timedelta(hours=1)
_NO_TIME = timedelta(0)

ProfileName: TypeAlias = Literal["ideal", "local", "remote", "adverse"]


class RealismFigures(RequestModel):
    """Figures of an order's own. What is not given is as in `ideal`."""

    latency: Duration = Field(
        default=_NO_TIME, description='From the decision to the exchange, on average: seconds, or "125ms".'
    )
    latency_spread: Duration = Field(
        default=_NO_TIME, description="At most so much more or less, never more than `latency`."
    )
    impact: ImpactModel = ImpactModel.LEVEL
    impact_half_life: Duration | None = Field(
        default=None,
        description="0.1 s to 1 h; absent: that of the settings for `level`, 30 s for `price_shift`.",
    )
    fees: FeeSource = FeeSource.SETTINGS

    if TYPE_CHECKING:  # what is taken, for type checkers; the fields say what becomes of it

        def __init__(
            self,
            *,
            latency: timedelta | Amount = ...,
            latency_spread: timedelta | Amount = ...,
            impact: ImpactModel | str = ...,
            impact_half_life: timedelta | Amount | None = ...,
            fees: FeeSource | str = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        if self.latency > LONGEST_LATENCY:
            raise _wrong("latency", f"expected at most 60 s, got {_seconds(self.latency)} s")
        if self.latency_spread > self.latency:
            raise _wrong(
                "latency_spread",
                f"expected at most the latency ({_seconds(self.latency)} s), "
                f"got {_seconds(self.latency_spread)} s",
            )
        half_life = self.impact_half_life
        if half_life is not None and not SHORTEST_HALF_LIFE <= half_life <= LONGEST_HALF_LIFE:
            raise _wrong("impact_half_life", f"expected 0.1 s to 3600 s, got {_seconds(half_life)} s")
        return self


def _wrong(field: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("value_error", "{message}", {"message": message, "field": field})


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():g}"


def _shape(value: Any) -> str:
    return PROFILE if isinstance(value, str) else FIGURES


RealismChoice: TypeAlias = Annotated[
    Annotated[ProfileName, Tag(PROFILE)] | Annotated[RealismFigures, Tag(FIGURES)], Discriminator(_shape)
]
"""A profile's name, or an order's own figures."""


class OrderRealism(ResponseModel):
    """An order's own figures, as they were asked for."""

    latency: Duration
    latency_spread: Duration
    impact: ImpactModel | str
    impact_half_life: Duration | None = None
    fees: FeeSource | str


class TakerFee(ResponseModel):
    """What an order pays on one exchange."""

    exchange: str
    fee: Told = Field(description="Share of the notional.")
    published: bool = Field(description="It is what the exchange publishes; else that of the settings.")


class ExpectedRealism(ResponseModel):
    """What an order's slices would meet on their way."""

    profile: str
    latency: Duration = Field(description="From decision to exchange, on average.")
    latency_from: Duration
    latency_to: Duration
    impact: ImpactModel | str
    impact_half_life: Duration | None = Field(default=None, description="null: that of the settings.")
    fees: list[TakerFee]
