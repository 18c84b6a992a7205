"""Send candles to their readers, once a second where one has changed; one live candle for all who read it."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, NamedTuple

from twap_models.enums import Interval
from twap_server.api.ports import MarketData
from twap_server.api.stream.candle_follower import CandleFollower, CandleState
from twap_server.api.stream.framing import encode
from twap_server.api.wire import present
from twap_server.domain.clock import Clock
from twap_server.domain.errors import BookUnavailable
from twap_server.domain.market.events import Candle, Trade
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import Bus, CandleTopic, EncodedMessage, Inbox

_MOST: Final = 1_000
"""Live candles at once."""
_EVERY_S: Final = 1.0


class _Key(NamedTuple):
    instrument: InstrumentId
    interval: Interval


class _Followed:
    """A live candle, and what was told of it last."""

    def __init__(self, follower: CandleFollower) -> None:
        self.follower = follower
        self.told: CandleState | None = None


class CandlePublisher:
    """Publishes candles. Run ``run()`` in the process's root task group.

    ``on_trade`` hears of every trade, ``on_status`` of every book that stops or begins being live.
    """

    def __init__(self, market: MarketData, bus: Bus, clock: Clock) -> None:
        """Publish on ``bus``."""
        self._market, self._bus, self._clock = market, bus, clock
        self._followed: dict[InstrumentId, dict[Interval, _Followed]] = {}
        self._group: asyncio.TaskGroup | None = None

    def on_trade(self, instrument: InstrumentId, trade: Trade) -> None:
        """Count a trade. Never blocks, never raises."""
        for one in self._followed.get(instrument, {}).values():
            one.follower.on_trade(trade)

    def on_status(self, instrument: InstrumentId) -> None:
        """Look at the feed of an instrument. Never blocks, never raises."""
        for one in self._followed.get(instrument, {}).values():
            one.follower.on_status()

    def check_room(self, topic: CandleTopic) -> None:
        """See whether the topic may be followed.

        Raises:
            BookUnavailable: as many candles are followed as may be, and this is none of them.
        """
        is_known = topic.interval in self._followed.get(_instrument(topic), {})
        if not is_known and sum(map(len, self._followed.values())) >= _MOST:
            raise BookUnavailable(f"{_MOST} candles are followed already, as many as this server takes")

    def begin(self, topic: CandleTopic, inbox: Inbox) -> None:
        """Let a reader read the topic from now on: the candle as it is first, if it is known."""
        followed = self._follow(_Key(_instrument(topic), topic.interval))
        self._bus.subscribe_candles(topic, inbox)
        state, closed = followed.follower.state(), followed.follower.newest_closed
        if state is not None:
            inbox.put_book(topic, _forming(topic, state))
        elif closed is not None:
            inbox.put_book(topic, _closed(topic, closed), closed.open_time)

    async def run(self) -> None:
        """Publish once a second, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for one in self._every():
                    one.follower.start()
                while True:
                    await self._clock.sleep(_EVERY_S)
                    await self.publish()
            finally:
                self._group = None

    async def publish(self) -> None:
        """Publish what has changed, and follow no more what nobody reads."""
        for instrument, by_interval in list(self._followed.items()):
            for interval, followed in list(by_interval.items()):
                topics = self._topics(_Key(instrument, interval))
                if not topics:
                    self._drop(_Key(instrument, interval))
                    continue
                followed.follower.tick()
                self._publish(followed, topics)
                await asyncio.sleep(0)

    def _publish(self, followed: _Followed, topics: list[CandleTopic]) -> None:
        state = followed.follower.state()
        if state is None or state == followed.told:
            return
        followed.told = state
        for topic in topics:
            self._bus.publish_candle(topic, _forming(topic, state))

    def _tell_known(self, key: _Key) -> None:
        self._publish(self._followed[key.instrument][key.interval], self._topics(key))

    def _tell_closed(self, key: _Key, candle: Candle) -> None:
        for topic in self._topics(key):
            self._bus.publish_candle(topic, _closed(topic, candle), open_time=candle.open_time)

    def _follow(self, key: _Key) -> _Followed:
        by_interval = self._followed.setdefault(key.instrument, {})
        if key.interval not in by_interval:
            follower = CandleFollower(
                self._market,
                self._clock,
                key.instrument,
                key.interval,
                spawn=self._spawn,
                on_known=partial(self._tell_known, key),
                on_closed=partial(self._tell_closed, key),
            )
            by_interval[key.interval] = _Followed(follower)
            if self._group is not None:
                follower.start()
        return by_interval[key.interval]

    def _drop(self, key: _Key) -> None:
        by_interval = self._followed[key.instrument]
        by_interval.pop(key.interval).follower.stop()
        if not by_interval:
            del self._followed[key.instrument]

    def _topics(self, key: _Key) -> list[CandleTopic]:
        return [
            topic
            for topic in self._bus.candle_topics(key.instrument.symbol)
            if _Key(_instrument(topic), topic.interval) == key
        ]

    def _every(self) -> list[_Followed]:
        return [one for by_interval in self._followed.values() for one in by_interval.values()]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is None:
            work.close()
        else:
            self._group.create_task(work, name="candles")


def _instrument(topic: CandleTopic) -> InstrumentId:
    return InstrumentId(topic.exchange, topic.symbol)


def _forming(topic: CandleTopic, state: CandleState) -> EncodedMessage:
    made = present.kline_message(
        state.candle, topic=topic, status=state.status.value, reason=state.reason, exact=state.is_exact
    )
    return encode(made)


def _closed(topic: CandleTopic, candle: Candle) -> EncodedMessage:
    return encode(present.kline_message(candle, topic=topic))
