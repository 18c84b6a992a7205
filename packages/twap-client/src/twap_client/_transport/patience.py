"""Speak while an answer is long in coming, and say at the end how long was waited in all."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from twap_client._transport.calls import Call
from twap_client.config import ClientConfig
from twap_client.errors import TransportError, TwapClientError

_BRIEF_S = 2.0


class Patience:
    """One call with all its attempts.

    Attributes:
        attempts: how many were made.
    """

    def __init__(self, call: Call, config: ClientConfig) -> None:
        self._config = config
        self._most = config.attempts if call.repeatable else 1
        self._begun = asyncio.get_running_loop().time()
        self.attempts = 0

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Around the call: ``config.on_wait`` is told once, when no answer came within two seconds."""
        waits = self._most * self._config.request_timeout + (self._most - 1) * self._config.retry_cap
        left, speak = waits.total_seconds() - _BRIEF_S, self._config.on_wait
        if speak is None or left <= 0:
            yield
            return
        speaking = asyncio.get_running_loop().call_later(_BRIEF_S, speak, left)
        try:
            yield
        finally:
            speaking.cancel()

    def told(self, error: TwapClientError) -> TwapClientError:
        """Let the exception of the last attempt tell how long all of them took."""
        took = asyncio.get_running_loop().time() - self._begun
        if isinstance(error, TransportError) and self.attempts > 1 and took > _BRIEF_S:
            error.args = (f"{error.message}; {self.attempts} attempts took {took:.0f} s in all",)
        return error
