"""Know at a gateway what users took of the books that they look at: the owners of their orders say so.

Whoever looks says so first, and waits for the first answer. As long as it is asked for it is renewed, twice a
second; where the owner does not answer, what it said last is shown until it does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from twap_models.enums import Side
from twap_server.cluster.order_questions import AskTaken, TakenLevels
from twap_server.domain.clock import SECOND, Clock
from twap_server.domain.errors import EngineBusy, UnavailableError
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import partition_of

log = logging.getLogger(__name__)

_EVERY_S: Final = 0.5
_FRESH: Final = SECOND
"""What is known so lately is not asked for again by who comes to look."""
_ASKED_FOR: Final = 3 * SECOND
"""Longer than between two messages of a book."""

_Key: TypeAlias = tuple[str, InstrumentId]
_Levels: TypeAlias = Mapping[Side, Mapping[Decimal, Decimal]]


class OwnLevels:
    """What was taken, by user and instrument."""

    def __init__(self, ask: Callable[[int, AskTaken], Awaitable[TakenLevels]], clock: Clock) -> None:
        """Args: ask: asks the owner of a partition, once."""
        self._ask, self._clock = ask, clock
        self._asked_for: dict[_Key, int] = {}
        self._known: dict[_Key, tuple[int, _Levels]] = {}

    async def look(self, user_id: str, instruments: Collection[InstrumentId]) -> None:
        """See ``OwnImpact``."""
        keys, now = [(user_id, one) for one in instruments], self._clock.monotonic()
        missing = [key for key in keys if key not in self._known or self._known[key][0] < now - _FRESH]
        if missing:
            try:
                await self._renew(partition_of(user_id), missing)
            except UnavailableError:
                raise EngineBusy(
                    "what you took of the book cannot be known now: try again", retry_after=1
                ) from None
        self._asked_for |= dict.fromkeys(keys, self._clock.monotonic())

    def taken(
        self, user_id: str, instrument: InstrumentId, side: Side, prices: Iterable[Decimal]
    ) -> Mapping[Decimal, Decimal]:
        """See ``OwnImpact``."""
        key = user_id, instrument
        self._asked_for[key] = self._clock.monotonic()
        known = self._known.get(key)
        levels = {} if known is None else known[1].get(side, {})
        return {price: levels[price] for price in prices if price in levels}

    async def run(self) -> None:
        """Renew what is asked for, until cancelled."""
        while True:
            await self._clock.sleep(_EVERY_S)
            self._forget()
            of_partition: dict[int, list[_Key]] = {}
            for key in self._asked_for:
                of_partition.setdefault(partition_of(key[0]), []).append(key)
            async with asyncio.TaskGroup() as group:
                for partition, keys in of_partition.items():
                    group.create_task(self._try_to_renew(partition, keys), name="own impact")

    def _forget(self) -> None:
        oldest = self._clock.monotonic() - _ASKED_FOR
        self._asked_for = {key: at for key, at in self._asked_for.items() if at >= oldest}
        self._known = {key: one for key, one in self._known.items() if key in self._asked_for}

    async def _try_to_renew(self, partition: int, keys: Collection[_Key]) -> None:
        try:
            await self._renew(partition, keys)
        except UnavailableError as error:
            log.debug("own impact of partition %d is not known now: %s", partition, error)

    async def _renew(self, partition: int, keys: Collection[_Key]) -> None:
        found: dict[_Key, dict[Side, dict[Decimal, Decimal]]] = {key: {} for key in keys}
        for user_id, instrument, side, price, taken in (
            await self._ask(partition, AskTaken(list(keys)))
        ).levels:
            if (user_id, instrument) in found:
                found[user_id, instrument].setdefault(side, {})[price] = taken
        now = self._clock.monotonic()
        self._known |= {key: (now, levels) for key, levels in found.items()}
