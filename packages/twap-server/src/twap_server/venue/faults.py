"""Apply faults on demand to the messages that one connection sends.

``Line`` is pure: frames go in, what is really sent comes out. The venue's books do not know of it,
so a client that starts over ends with the right book. ``crossed`` and ``badsum`` change a message
where it is made, by the protocol; the line only remembers that one is due.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

NAMES = ("gap", "repeat", "reorder", "silence", "garbage", "disconnect", "crossed", "slow", "badsum")
_AMOUNTS = {"silence": 30.0, "slow": 5.0}
_SLOW_LASTS_S = 10
_GARBAGE: tuple[str | bytes, ...] = (
    '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":17232',
    "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>",
    b"\x1f\x8b\x08\x00\xff\xfe\x00\x80binary",
    '{"channel":"book","type":"update","data":[{"symbol":NaN,"bids":"none"}]}',
)

Kind = Literal["book", "data", "control"]


@dataclass(frozen=True, slots=True)
class OutgoingFrame:
    """One outgoing message; ``book`` is a change of a book that a client must not miss."""

    text: str | bytes
    kind: Kind = "data"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name with its amount: seconds of silence, messages a second when slow."""

    name: str
    amount: float = 0.0


def parse(text: str) -> Fault:
    """Read ``NAME`` or ``NAME:AMOUNT``.

    Raises:
        ValueError: the name is unknown, or the amount is not a number above zero.
    """
    name, _, amount = text.partition(":")
    if name not in NAMES:
        raise ValueError(f"expected a fault among {', '.join(NAMES)}, received {text!r}")
    if not amount:
        return Fault(name, _AMOUNTS.get(name, 0.0))
    if name not in _AMOUNTS or not float(amount) > 0:
        raise ValueError(f"expected {name!r} without that amount, received {text!r}")
    return Fault(name, float(amount))


class Line:
    """The faults of one connection."""

    def __init__(self, done: Counter[str]) -> None:
        self._done = done
        self._due: list[str] = []
        self._held: OutgoingFrame | None = None
        self._silent_until = 0
        self._slow_until = 0
        self._rate = 1.0
        self._rubbish = 0

    def strike(self, fault: Fault, now: int) -> list[str | bytes]:
        """Begin a fault at monotonic nanoseconds ``now``; return what is sent at once."""
        if fault.name == "silence":
            self._silent_until = now + int(fault.amount * 1e9)
        elif fault.name == "slow":
            self._slow_until, self._rate = now + _SLOW_LASTS_S * 10**9, fault.amount
        elif fault.name != "garbage":
            self._due.append(fault.name)
            return []
        self._done[fault.name] += 1
        return self._garbage() if fault.name == "garbage" else []

    def take(self, name: str) -> bool:
        """Whether such a fault is due for the message being made; it counts as done then."""
        if name not in self._due:
            return False
        self._due.remove(name)
        self._done[name] += 1
        return True

    def carry(self, frame: OutgoingFrame, now: int) -> list[str | bytes]:
        """Give what is sent for a frame: nothing, it, or more."""
        if now < self._silent_until:
            return []
        if frame.kind != "book":
            return [frame.text]
        if self._held is not None:
            held, self._held = self._held, None
            return [frame.text, held.text]
        return self._book(frame)

    def pause(self, now: int) -> float:
        """Seconds to wait after a message."""
        return 1 / self._rate if now < self._slow_until else 0.0

    def _book(self, frame: OutgoingFrame) -> list[str | bytes]:
        if self.take("gap"):
            return []
        if self.take("repeat"):
            return [frame.text, frame.text]
        if self.take("reorder"):
            self._held = frame
            return []
        return [frame.text]

    def _garbage(self) -> list[str | bytes]:
        self._rubbish += 1
        return [_GARBAGE[(self._rubbish - 1) % len(_GARBAGE)]]
