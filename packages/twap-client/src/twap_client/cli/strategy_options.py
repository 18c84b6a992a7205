"""Define the options that say how an order is spread over its window: a strategy and its parameters."""

from typing import Annotated, Literal

import typer

_PANEL = "Strategy"


def _number(metavar: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar=metavar, help=text, rich_help_panel=_PANEL)
    return option


StrategyOption = Annotated[
    Literal["twap", "vwap", "is", "pov", "sweep"] | None,
    typer.Option(
        help="How the quantity is spread; absent: twap.", case_sensitive=False, rich_help_panel=_PANEL
    ),
]
ProfileOption = Annotated[str | None, _number("WEIGHTS", "vwap: auto, or weights such as 2,1,1,3.")]
DaysOption = Annotated[
    int | None, typer.Option(min=1, max=30, help="vwap: days that auto looks at.", rich_help_panel=_PANEL)
]
UrgencyOption = Annotated[
    Literal["low", "medium", "high"] | None,
    typer.Option(help="is: how early.", case_sensitive=False, rich_help_panel=_PANEL),
]
HalfLifeOption = Annotated[str | None, _number("D", "is: instead of --urgency: 90 (seconds), 5m.")]
RiskAversionOption = Annotated[str | None, _number("L", "is: instead of both, per quote currency.")]
VolatilityOption = Annotated[str | None, _number("PERCENT", "is: a day's; absent: from candles.")]
TemporaryOption = Annotated[str | None, _number("N", "is: absent: from the live book.")]
PermanentOption = Annotated[str | None, _number("N", "is: absent: from spread and volume.")]
ParticipationOption = Annotated[str | None, _number("PERCENT", "pov: your share of all that is traded.")]
SupplyOption = Annotated[
    str | None, _number("N", "--compare: how much of the base currency exists, to forecast what lasts.")
]
CompareOption = Annotated[
    bool,
    typer.Option(
        "--compare", help="Only show all strategies side by side: cost and risk.", rich_help_panel=_PANEL
    ),
]
