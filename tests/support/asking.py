"""Lead an exchange's conversations over REST without a network."""

from typing import TypeVar

from twap_models.enums import Interval
from twap_server.domain.clock import Nanos
from twap_server.domain.market.candles import length
from twap_server.exchanges.base import Asking, HttpRequest, Page

T = TypeVar("T")


def told(asking: Asking[T], *bodies: bytes) -> T:
    """What is read from these answers, one to each question."""
    _, value = led(asking, *bodies)
    return value


def led(asking: Asking[T], *bodies: bytes) -> tuple[list[HttpRequest], T]:
    """The questions that were asked, and what was read."""
    questions = [next(asking)]
    for body in bodies:
        try:
            questions.append(asking.send(body))
        except StopIteration as end:
            return questions, end.value
    raise AssertionError(f"asked more than there are answers: {questions[-1]}")


def page(interval: Interval = Interval.M1, *, end: int = 1_755_496_680 * 10**9, limit: int = 300) -> Page:
    """So many candles up to the one that opens at ``end``."""
    return Page(
        interval=interval,
        start=Nanos(end - (limit - 1) * length(interval)),
        end=Nanos(end),
        limit=limit,
    )
