"""Answer what other nodes ask the collector of an exchange."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, assert_never

from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.cluster.coding import WrongVersion, encode
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
    question,
)
from twap_server.cluster.questions import NotHere
from twap_server.cluster.telling import Telling
from twap_server.collector.shown_market import ExchangeSource
from twap_server.domain.errors import TwapError, UnknownSymbol
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook

_log = logging.getLogger(__name__)


class CollectedExchange(ExchangeSource, Protocol):
    """One exchange, as its collector knows it."""

    def gone(self) -> Mapping[str, Instrument]:
        """What was listed before."""
        ...


class CollectedMarket(Protocol):
    """A market whose collector is here; ``LiveMarket`` is one."""

    @property
    def registry(self) -> BookRegistry:
        """Where its books are."""
        ...

    @property
    def interest(self) -> BookInterest:
        """Who wants which book."""
        ...

    def source(self, exchange: str) -> CollectedExchange:
        """One exchange of it."""
        ...

    def collected(self, exchange: str) -> Sequence[CollectedBook]:
        """How its books fare."""
        ...

    async def run(self) -> None:
        """Collect, for ever."""
        ...


class MarketAnswers:
    """Of one exchange."""

    def __init__(self, exchange: str, market: CollectedMarket, telling: Telling) -> None:
        self.revision = 0
        """Of the list of instruments; 0 while there is none."""
        self._exchange, self._market, self._telling = exchange, market, telling
        self._source = market.source(exchange)
        self._listed: Mapping[str, Instrument] = {}
        self._gone: Mapping[str, str] = {}
        self._listing = b""

    def look_at_list(self) -> None:
        """Give the list another revision where it is another one."""
        listed = self._source.instruments()
        gone = {symbol: one.status for symbol, one in self._source.gone().items()}
        if self._source.loaded and (listed is not self._listed or gone != self._gone):
            self.revision += 1
            self._listed, self._gone, self._listing = listed, gone, b""

    async def answer(self, body: bytes) -> bytes:
        """Answer a question: the work of ``Answers``.

        Raises:
            NotHere: this node cannot; what goes wrong with one question ends no collecting.
        """
        try:
            return await self._answer(question(body))
        except WrongVersion as error:
            _log.warning("exchange=%s %s", self._exchange, error)
            raise NotHere(str(error), retry_after=1) from None
        except Exception:
            _log.exception("exchange=%s a question of another node could not be answered", self._exchange)
            raise NotHere("something went wrong at the collector", retry_after=1) from None

    async def _answer(self, asked: Question) -> bytes:
        match asked:
            case AskBook():
                return encode(self._book(asked.symbol))
            case AskListing():
                return self._list()
            case AskCollected():
                return encode(CollectedAnswer(books=list(self._market.collected(self._exchange))))
            case AskCandles():
                return encode(await self._candles(asked))
            case _:
                assert_never(asked)

    def _book(self, symbol: str) -> BookAnswer:
        instrument, registry = InstrumentId(self._exchange, symbol), self._market.registry
        book = registry.live_book(instrument)
        return BookAnswer(
            epoch=self._telling.epoch,
            book=None if book is None else self._telling.whole(book),
            trades=list(registry.recent_trades.of(instrument)),
            traded=self._telling.line(instrument).traded,
        )

    def _list(self) -> bytes:
        self.look_at_list()
        if not self._listing:
            clashing: Collection[Instrument] = tuple(self._source.clashing())
            self._listing = encode(
                ListingAnswer(
                    epoch=self._telling.epoch,
                    revision=self.revision,
                    instruments=list(self._listed.values()),
                    clashing=list(clashing),
                    gone=dict(self._gone),
                )
            )
        return self._listing

    async def _candles(self, asked: AskCandles) -> CandlesAnswer:
        try:
            instrument = self._source.instruments().get(asked.symbol)
            if instrument is None:
                raise UnknownSymbol(f"{self._exchange} lists no instrument {asked.symbol[:40]!r}")
            return CandlesAnswer(
                candles=await self._source.klines(
                    instrument, asked.interval, limit=asked.limit, start=asked.start, end=asked.end
                )
            )
        except TwapError as error:
            return CandlesAnswer(failed=Failure.of(error))
