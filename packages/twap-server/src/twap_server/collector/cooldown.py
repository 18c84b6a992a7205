"""Ask an exchange nothing until the time is over for which it banned our address."""

from collections.abc import Callable
from typing import Generic, TypeVar

from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import ExchangeRefuses
from twap_server.domain.market.errors import AttemptRefused

E = TypeVar("E", AttemptRefused, ExchangeRefuses)


class Cooldown(Generic[E]):
    """Shut while an exchange has told us to stay away, for all who would ask it, new connections too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = Nanos(0)
        self._refuse: Callable[..., E] | None = None

    @property
    def refusal(self) -> E | None:
        """What keeps it shut now, with the time that is left; None when it is open."""
        left = self._until - self._clock.monotonic()
        if self._refuse is None or left <= 0:
            return None
        return self._refuse(retry_after=-(-left // SECOND), until=Nanos(self._clock.now() + left))

    def shut(self, seconds: int, refuse: Callable[..., E]) -> None:
        """Shut it for so long; what holds longer stays.

        Args:
            seconds: from now.
            refuse: makes the refusal from ``retry_after``, the seconds left, and ``until``, wall time.
        """
        until = Nanos(self._clock.monotonic() + seconds * SECOND)
        if until >= self._until:
            self._until, self._refuse = until, refuse

    def check(self) -> None:
        """Let pass, or refuse as the exchange did.

        Raises:
            AttemptRefused, ExchangeRefuses: it is shut.
        """
        refusal = self.refusal
        if refusal is not None:
            raise refusal
