"""Ask the collector of an exchange, or of a part: for a whole book, the list, how its books fare, candles."""

import asyncio
import logging
from typing import Final, TypeVar

from twap_server.cluster.coding import WrongVersion, decode, encode
from twap_server.cluster.failures import Failure
from twap_server.cluster.market_messages import (
    AskBook,
    AskCandles,
    AskCollected,
    AskListing,
    BookAnswer,
    CandlesAnswer,
    CollectedAnswer,
    ListingAnswer,
    Question,
)
from twap_server.cluster.messenger import Messenger, NoAnswer
from twap_server.cluster.questions import ask, new_question_id
from twap_server.cluster.subjects import Subjects
from twap_server.domain.errors import ExchangeUnavailable, InvalidRequest, TwapError, UnknownSymbol
from twap_server.domain.market.events import CandleRange
from twap_server.domain.ownership import ExchangePart

_log = logging.getLogger(__name__)
_WITHIN_S: Final = 30
"""However long a collector is at work: longer nobody waits for candles."""
_T = TypeVar("_T")


class AskMarket:
    """Asks for one part. None is no answer: nobody collects it now, or it cannot be reached."""

    def __init__(self, part: ExchangePart, messenger: Messenger, subjects: Subjects) -> None:
        self._exchange, self._messenger, self._subject = str(part), messenger, subjects.market(part)

    async def book(self, symbol: str) -> BookAnswer | None:
        """What is the whole book?"""
        return await self._answer(AskBook(symbol), BookAnswer)

    async def listing(self) -> ListingAnswer | None:
        """What is listed?"""
        return await self._answer(AskListing(), ListingAnswer)

    async def collected(self) -> CollectedAnswer | None:
        """How do the collected books fare?"""
        return await self._answer(AskCollected(), CollectedAnswer)

    async def candles(self, asked: AskCandles) -> CandleRange | None:
        """What are the candles?

        Raises:
            UnknownSymbol, InvalidRequest, ExchangeUnavailable: why there are none.
        """
        answer = await self._answer(asked, CandlesAnswer)
        if answer is None:
            return None
        if answer.candles is None:
            assert answer.failed is not None
            raise _of_the_exchange(answer.failed)
        return answer.candles

    async def _answer(self, asked: Question, kind: type[_T]) -> _T | None:
        try:
            async with asyncio.timeout(_WITHIN_S):
                body = await ask(self._messenger, self._subject, new_question_id(), encode(asked))
            return decode(body, kind)
        except (NoAnswer, WrongVersion, TimeoutError) as error:
            _log.debug("exchange=%s %s: no answer: %s", self._exchange, type(asked).__name__, error)
            return None


def _of_the_exchange(told: Failure) -> TwapError:
    """What is no mistake of the caller's may be tried again later, whatever the collector's class of it."""
    error = told.read()
    if isinstance(error, UnknownSymbol | InvalidRequest | ExchangeUnavailable):
        return error
    return ExchangeUnavailable(told.words, retry_after=told.retry_after or 5)
