"""Note when a connection last spoke, and how long it may be silent before its books are not trusted."""

from typing import Final

from twap_server.domain.clock import SECOND, Clock

LEAST: Final = 3 * SECOND
"""No connection is given less."""


class Pulse:
    """One connection's. Its books share it, so all who read them judge alike, at any moment."""

    __slots__ = ("_clock", "borne", "heard_at")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.heard_at = clock.monotonic()
        """Monotonic moment at which a message was read last."""
        self.borne = LEAST
        """Nanoseconds of silence after which books are not trusted."""

    @property
    def silence(self) -> int:
        """Nanoseconds since a message was read. What waits to be read while we are busy is not known yet."""
        return self._clock.monotonic() - self.heard_at

    @property
    def is_silent(self) -> bool:
        """Whether the silence has lasted too long."""
        return self.silence > self.borne

    @property
    def words(self) -> str:
        """What to say of a book whose connection is silent."""
        return f"the connection has delivered nothing for {self.silence // SECOND} s"
