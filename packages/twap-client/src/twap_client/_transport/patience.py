"""Know how long a call may take; speak while no answer comes, and say how long was waited in all."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from twap_client._transport.calls import Call, seconds_of
from twap_client.config import ClientConfig
from twap_client.errors import TransportError, TwapClientError

_BRIEF_S = 2.0


class Patience:
    """One call with all its attempts: each may take what the settings say, or all what the call says.

    Attributes:
        attempts: how many were made.
        seconds: what an attempt, or the whole call, may take.
    """

    def __init__(self, call: Call, config: ClientConfig) -> None:
        self._config = config
        self._most = config.attempts if call.repeatable else 1
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._given = seconds_of(call.timeout)
        self.attempts = 0
        self.seconds = config.request_timeout.total_seconds() if self._given is None else self._given

    def left(self) -> float:
        """Seconds that an attempt may take from now."""
        return (
            self.seconds if self._given is None else max(0.0, self._begun + self._given - self._loop.time())
        )

    def is_over_in(self, pause: float) -> bool:
        """Whether no time would be left after a pause."""
        return self._given is not None and self._loop.time() + pause >= self._begun + self._given

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Around the call: ``config.on_wait`` is told once, when no answer came within two seconds."""
        waits = self._most * self._config.request_timeout + (self._most - 1) * self._config.retry_cap
        whole = waits.total_seconds() if self._given is None else self._given
        left, speak = whole - _BRIEF_S, self._config.on_wait
        if speak is None or left <= 0:
            yield
            return
        speaking = self._loop.call_later(_BRIEF_S, speak, left)
        try:
            yield
        finally:
            speaking.cancel()

    def told(self, error: TwapClientError) -> TwapClientError:
        """Let the exception of the last attempt tell how long all of them took."""
        took = self._loop.time() - self._begun
        if isinstance(error, TransportError) and self.attempts > 1 and took > _BRIEF_S:
            error.args = (f"{error.message}; {self.attempts} attempts took {took:.0f} s in all",)
        return error
