"""A simulated exchange whose market moves when the test says so, and the collector that listens to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from support.collector.parts import collecting
from twap_models.enums import InstrumentKind
from twap_server.clock import SystemClock
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import INTERNET, Network
from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Rate
from twap_server.exchanges.registry import EXCHANGES
from twap_server.venue.flow import FlowParameters
from twap_server.venue.market import MarketParameters, SyntheticSource
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.server import Venue
from twap_server.venue.source import Outlet, Pair

_STEP_NS = 100_000_000
SMALL = MarketParameters(history_minutes=180, prices=(("BTC", 60_000),), flow=FlowParameters(levels=150))
TWO_ASSETS = replace(SMALL, prices=(("BTC", 60_000), ("ETH", 3_000)))


class SteppedSource(SyntheticSource):
    """The synthetic market of one exchange, stepped by hand."""

    def __init__(self, protocol: VenueProtocol, parameters: MarketParameters = SMALL) -> None:
        self._now = SystemClock().now()
        self._outlet: Outlet | None = None
        super().__init__(seed=5, clock=SystemClock(), parameters=parameters, protocols=[protocol])

    async def run(self, outlet: Outlet) -> None:
        """Let no time pass."""
        self._outlet = outlet
        await asyncio.Event().wait()

    def delist(self, symbol: str) -> None:
        """Forget an instrument, as an exchange does after it was listed."""
        self._listings = [one for one in self._listings if one.pair.spec.symbol != symbol]

    def play(self, steps: int) -> None:
        """Let so many steps of time pass at once."""
        assert self._outlet is not None
        for _ in range(steps):
            self._now = Nanos(self._now + _STEP_NS)
            for event in self.step(self._now):
                self._outlet.publish(event)


@dataclass
class Stepped:
    """What a test needs."""

    source: SteppedSource
    venue: Venue
    market: LiveMarket
    name: str

    def pairs(self) -> list[tuple[Pair, Instrument]]:
        """Each simulated instrument, and what the collector made of it."""
        listed = {
            (one.base, one.quote, one.kind == InstrumentKind.PERPETUAL): one
            for one in self.market.instruments(self.name).values()
        }
        pairs = self.source.pairs(self.name).values()
        return [(one, listed[one.spec.base, one.spec.quote, bool(one.spec.contract)]) for one in pairs]


@asynccontextmanager
async def unhindered(name: str) -> AsyncIterator[None]:
    """Let the collector ask as often as it likes: how it keeps an exchange's limits is tried elsewhere."""
    shape = next(one for one in EXCHANGES if one.name == name)
    often = Rate(10_000, 1)
    wide = replace(shape.limits, connects=often, sends=(often,), rest=dict.fromkeys(shape.limits.rest, often))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape, "limits", wide)
        yield


@asynccontextmanager
async def stepped(
    protocol: VenueProtocol,
    parameters: MarketParameters = SMALL,
    *,
    network: Callable[[dict[str, str]], Network] | None = None,
    **settings: Any,
) -> AsyncIterator[Stepped]:
    """Run a simulated exchange and collect from it.

    Args:
        protocol: which.
        parameters: of its market.
        network: makes the network to it, of its addresses.
        settings: of the collector.
    """
    source = SteppedSource(protocol, parameters)
    quick: dict[str, Any] = {"quiet_proof_s": 0} | settings
    async with unhindered(protocol.name), Venue(source, clock=SystemClock()) as venue:
        way = INTERNET if network is None else network(venue.urls()[protocol.name])
        async with collecting(venue.urls(), depth=500, network=way, **quick) as market:
            yield Stepped(source, venue, market, protocol.name)
