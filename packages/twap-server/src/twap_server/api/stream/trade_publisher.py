"""Send trades to their readers: collected for a tenth of a second, encoded once for all readers of a topic.

Of more than may be sent in that time the oldest are left out; the next message says how many. So does one
to a reader that is too slow (``feed/newest.py``).
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from twap_models.enums import AGGREGATE
from twap_server.api.ports import Books
from twap_server.api.stream.framing import encode
from twap_server.api.wire import present
from twap_server.domain.clock import Clock
from twap_server.domain.market.events import Trade
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import Bus, EncodedMessage, Inbox, TradeTopic
from twap_server.feed.newest import Counted

_TURN_S: Final = 0.1
_MOST_PER_TURN: Final = 20
"""Of one topic."""
_FIRST: Final = 50
"""Trades that a new reader gets at once."""


class _Pending:
    """Trades of one topic that were not published yet."""

    __slots__ = ("left_out", "trades")

    def __init__(self) -> None:
        self.trades: deque[tuple[str, Trade]] = deque()
        self.left_out = 0

    def add(self, exchange: str, trade: Trade) -> None:
        if len(self.trades) >= _MOST_PER_TURN:
            self.trades.popleft()
            self.left_out += 1
        self.trades.append((exchange, trade))


class TradePublisher:
    """Publishes trades. Run ``run()`` in the process's root task group; ``on_trade`` hears of every trade."""

    def __init__(self, market: Books, bus: Bus, clock: Clock) -> None:
        """Publish on ``bus`` what ``on_trade`` is told; ``market`` knows the trades before."""
        self._market, self._bus, self._clock = market, bus, clock
        self._pending: dict[TradeTopic, _Pending] = {}
        self._any = asyncio.Event()

    def on_trade(self, instrument: InstrumentId, trade: Trade) -> None:
        """Take note of a trade. Never blocks, never raises."""
        for topic in self._bus.trade_topics(instrument.symbol):
            if topic.exchange in (instrument.exchange, AGGREGATE):
                self._pending.setdefault(topic, _Pending()).add(instrument.exchange, trade)
                self._any.set()

    def begin(self, topic: TradeTopic, instruments: Iterable[InstrumentId], inbox: Inbox) -> None:
        """Let a reader read the topic from now on: the newest known trades first, oldest of them first."""
        self._publish(topic)  # to those who read it already: what is known holds it too
        for exchange, trade in self.known(instruments, _FIRST):
            inbox.put_trade(topic, _counted(topic, exchange, trade, left_out=0))
        self._bus.subscribe_trades(topic, inbox)

    def known(self, instruments: Iterable[InstrumentId], most: int) -> Sequence[tuple[str, Trade]]:
        """The newest trades of these instruments, with their exchanges, oldest first."""
        kept = [(one.exchange, trade) for one in instruments for trade in self._market.recent_trades(one)]
        return sorted(kept, key=lambda known: known[1].ts_received)[-most:]

    async def run(self) -> None:
        """Publish what came, ten times a second, until cancelled."""
        while True:
            await self._any.wait()
            await self.publish()
            await self._clock.sleep(_TURN_S)

    async def publish(self) -> None:
        """Publish all that came, topic by topic; others get the event loop in between."""
        self._any.clear()
        for topic in list(self._pending):
            self._publish(topic)
            await asyncio.sleep(0)

    def _publish(self, topic: TradeTopic) -> None:
        pending = self._pending.pop(topic, None)
        if pending is None:
            return
        left_out = pending.left_out
        for exchange, trade in pending.trades:
            self._bus.publish_trade(topic, _counted(topic, exchange, trade, left_out=left_out))
            left_out = 0


def _counted(topic: TradeTopic, exchange: str, trade: Trade, *, left_out: int) -> Counted[EncodedMessage]:
    saying = partial(_encoded, topic, exchange, trade)
    return Counted(saying(left_out), left_out, saying)


def _encoded(topic: TradeTopic, exchange: str, trade: Trade, left_out: int) -> EncodedMessage:
    made = present.trade_body(
        trade,
        exchange=exchange,
        asked=topic.asked,
        aggregate=topic.exchange == AGGREGATE,
        left_out=left_out,
    )
    return encode(made)
