"""Whether an exchange's stream may be tried now: what it refuses one connection, it refuses the address."""

from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import AttemptRefused


class Door:
    """Shut while an exchange has told us to stay away, for all connections to it, new ones too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusal: AttemptRefused | None = None
        self._until = Nanos(0)

    @property
    def refusal(self) -> AttemptRefused | None:
        """What keeps it shut now, with the time that is left; None when it is open."""
        left = self._until - self._clock.monotonic()
        if self._refusal is None or left <= 0:
            return None
        return AttemptRefused(
            self._refusal.words,
            retry_after=-(-left // SECOND),
            until=Nanos(self._clock.now() + left),
            is_barred=self._refusal.is_barred,
        )

    def shut(self, refusal: AttemptRefused) -> None:
        """Note a refusal; the longest counts."""
        until = Nanos(self._clock.monotonic() + refusal.retry_after * SECOND)
        if until > self._until:
            self._refusal, self._until = refusal, until

    def check(self) -> None:
        """Let pass, or refuse as the exchange did.

        Raises:
            AttemptRefused: it is shut.
        """
        refusal = self.refusal
        if refusal is not None:
            raise refusal
