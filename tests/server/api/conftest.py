"""The real app on fakes, called in process."""

from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import CHEAP, Desk, build
from support.api.live import Live, serving
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig, StreamConfig
from twap_server.api.stream.framing import FramedProtocol


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    services, accounts, market, orders, clock = build()
    app = create_app(services)
    transport = ASGITransport(app, client=("10.0.0.1", 1234))
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield Desk(app, services, accounts, market, orders, clock, http)


@pytest.fixture(params=[FramedProtocol, "websockets-sansio"], ids=["framed", "plain"])
async def live(request: pytest.FixtureRequest) -> AsyncIterator[Live]:
    stream = StreamConfig(max_subscriptions=3, max_per_user=2, max_message=2_000, max_messages_per_second=20)
    async with serving(ApiConfig(passwords=CHEAP, stream=stream), ws=request.param) as live:
        yield live
