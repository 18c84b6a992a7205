"""Declare how nodes talk: at most once, in order for each sender and subject, nothing is kept.

What is said here may be lost, and is renewed: whoever listens has to notice a gap by numbers of its own. The
database alone is the truth.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from twap_server.domain.errors import UnavailableError

MOST_BYTES: Final = 1_000_000
"""Of one message: what is larger goes in parts, or is not said. NATS takes 1 MiB unless it is set to less."""
Take: TypeAlias = Callable[[bytes], None]
"""Gets the body of a message. It does not block. What it raises is noted, and ends nothing."""
Reply: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Answers one question; many may be under way at once."""


class NoAnswer(UnavailableError):
    """Nobody answered in time, or nobody is there: what was asked for may have been done or not."""


class MessageSubscription(Protocol):
    """What ``listen`` and ``answer`` began."""

    async def end(self) -> None:
        """Hear no more of it."""
        ...


class Messenger(Protocol):
    """One node's way to all others."""

    @property
    def is_connected(self) -> bool:
        """Whether others can be reached now."""
        ...

    def publish(self, subject: str, body: bytes) -> None:
        """Tell whoever listens. It never waits and never raises: what cannot be sent is lost."""
        ...

    async def listen(self, subject: str, take: Take) -> MessageSubscription:
        """Hear what is told from now on."""
        ...

    async def answer(self, subject: str, reply: Reply) -> MessageSubscription:
        """Answer questions from now on."""
        ...

    async def ask(self, subject: str, body: bytes, *, timeout: float) -> bytes:
        """Ask whoever answers.

        Raises:
            NoAnswer: there was none within ``timeout`` seconds, or nobody answers at all.
        """
        ...

    def on_return(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` each time the connection is there again: what was told meanwhile is lost."""
        ...
