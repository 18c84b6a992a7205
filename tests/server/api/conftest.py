"""The real app on fakes, called in process."""

from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient

from server.api.desk import Desk, build
from twap_server.api.app import create_app


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    parts, accounts, market, orders, clock = build()
    app = create_app(parts)
    transport = ASGITransport(app, client=("10.0.0.1", 1234))
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield Desk(app, parts, accounts, market, orders, clock, http)
