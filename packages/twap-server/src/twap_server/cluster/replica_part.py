"""Follow the collector of one part of an exchange, or of all of it: when it spoke last, and what it said."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from twap_server.cluster.ask_market import AskMarket
from twap_server.cluster.collector_word import CollectorWord
from twap_server.cluster.market_messages import ExchangePulse
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.market.status import CollectedBook, ConnectionState, ExchangeStatus
from twap_server.domain.ownership import ExchangePart

_log = logging.getLogger(__name__)


class ReplicaPart:
    """One part, as long as the exchange is divided so; its collector may change meanwhile."""

    def __init__(self, part: ExchangePart, clock: Clock, ask: AskMarket) -> None:
        """Args: ask: reaches its collector."""
        self.part, self.ask = part, ask
        self.word = CollectorWord(clock)
        self.epoch = 0
        """Of its collector; 0: it was not heard yet."""
        self.collected: Sequence[CollectedBook] = ()
        """How its books fare, as its collector said a few seconds ago."""
        self._clock = clock
        self._status: ExchangeStatus | None = None
        self._silent_since = clock.now()
        self._was_silent = True
        self._collected_at: Nanos | None = None

    def hear(self, told: ExchangePulse) -> tuple[bool, int]:
        """Take in a pulse of its collector.

        Returns:
            Whether nothing was heard for too long before, and by how many nanoseconds the pulse is late.
        """
        if told.epoch > self.epoch:
            self.epoch = told.epoch
            self.word.begin()
        was_silent, late = self.word.is_silent, self.word.hear(told.moment)
        self._status = told.status
        return was_silent, late

    def status(self, unknown: ExchangeStatus) -> ExchangeStatus:
        """Say how its collector reaches the exchange; ``unknown``: what to say of one never heard."""
        told = self._status or unknown
        if not self.word.is_silent:
            return told
        return replace(
            told,
            state=ConnectionState.DOWN,
            reason=self.word.words,
            since=self._silent_since,
            connections=0,
            retry_at=None,
        )

    def look(self) -> None:
        """See whether silence began, or is over."""
        if self.word.is_silent is not self._was_silent:
            self._was_silent = not self._was_silent
            if self._was_silent:
                self._silent_since = self._clock.now()
                _log.warning("exchange=%s %s", self.part, self.word.words)

    async def follow_collected(self, every_s: int) -> None:
        """Ask how its books fare, where that was so many seconds ago and it can be heard."""
        now, at = self._clock.monotonic(), self._collected_at
        if self.word.is_silent or (at is not None and now - at < every_s * SECOND):
            return
        answer = await self.ask.collected()
        if answer is not None:
            self.collected = answer.books
        self._collected_at = now
