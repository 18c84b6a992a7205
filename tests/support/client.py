"""What tests of the client share: the command in this process, an order to submit, a picture as lines."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rich.console import Console, RenderableType

from twap_models import (
    TwapOrderRequest,
)

SUBMIT = ["submit", "binance", "BTC-USDT", "buy", "0.5", "--duration", "1m", "--interval", "5"]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Twap = Callable[..., Awaitable[Outcome]]


def request(token_id: str, quantity: object = "1") -> TwapOrderRequest:
    return TwapOrderRequest.model_validate(
        {
            "token_id": token_id,
            "exchange": "binance",
            "symbol": "BTC-USDT",
            "quantity": quantity,
            "duration": "1m",
            "slices": 6,
        }
    )


def drawn(picture: RenderableType, width: int) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file, console.capture() as captured:
        console.print(picture)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    return lines
