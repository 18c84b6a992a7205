"""Tell other nodes of the exchange that is collected here, or of a part of it: that it lives, its trades."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from twap_server.cluster.coding import decode, encode
from twap_server.cluster.heard_wants import HeardWants
from twap_server.cluster.market_answers import CollectedMarket, MarketAnswers
from twap_server.cluster.market_messages import ExchangePulse, Wanted
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.questions import Answers
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.telling import Telling
from twap_server.domain.clock import Clock
from twap_server.domain.market.events import Trade
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import ExchangePart

PULSE_EVERY_S: Final = 0.25


class MarketTeller:
    """Of one exchange or a part of it, in one epoch of its collector."""

    def __init__(
        self,
        part: ExchangePart,
        market: CollectedMarket,
        telling: Telling,
        *,
        messenger: Messenger,
        subjects: Subjects,
        clock: Clock,
        max_books: int,
    ) -> None:
        """Args: market: its books were made by ``telling.new_book``; max_books: see ``HeardWants``."""
        self._part, self._exchange = part, part.exchange
        self._market, self._telling = market, telling
        self._messenger, self._subjects, self._clock = messenger, subjects, clock
        self._answers = MarketAnswers(part.exchange, market, telling)
        self._wants = HeardWants(part, market.interest, clock, most=max_books)
        market.registry.trades.listen(self._on_trade)

    async def run(self) -> None:
        """Tell, for ever. Cancelling ends every subscription; the books others wanted are given up."""
        subjects = self._subjects
        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            stack.callback(self._wants.end)
            wants = await self._messenger.listen(subjects.wanted(self._exchange), self._hear_wants)
            stack.push_async_callback(wants.end)
            answers = Answers(self._answers.answer, clock=self._clock, group=group)
            answering = await self._messenger.answer(subjects.market(self._part), answers.reply)
            stack.push_async_callback(answering.end)
            while True:
                self.pulse()
                await self._clock.sleep(PULSE_EVERY_S)

    def pulse(self) -> None:
        """Tell that this collector lives, and how its books are."""
        self._wants.expire(can_hear=self._messenger.is_connected)
        self._answers.look_at_list()
        books = [book for book in self._market.registry if book.instrument.exchange == self._exchange]
        told = ExchangePulse(
            epoch=self._telling.epoch,
            moment=self._clock.monotonic(),
            status=self._market.source(self._exchange).status(),
            revision=self._answers.revision,
            books=[self._telling.pulse(book) for book in books],
            refused=sorted(self._wants.refused),
            part=self._part.number,
            parts=self._part.of,
        )
        self._messenger.publish(self._subjects.pulse(self._exchange), encode(told))

    def _hear_wants(self, body: bytes) -> None:
        self._wants.hear(decode(body, Wanted))

    def _on_trade(self, instrument: InstrumentId, trade: Trade) -> None:
        if instrument.exchange == self._exchange:
            totals = self._market.registry.trades.totals(instrument)
            self._telling.line(instrument).trade(trade, totals)
