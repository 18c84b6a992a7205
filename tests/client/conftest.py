"""A scripted server, and a client that does not wait long."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from twap_client import ClientConfig, TwapClient
from twap_client.testing import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """Run a server with one account, ada."""
    async with ScriptedServer() as running:
        running.add_account("ada", "correct horse")
        yield running


@pytest.fixture
def config(server: ScriptedServer) -> ClientConfig:
    """Give settings whose waits are milliseconds."""
    brief = timedelta(milliseconds=5)
    return ClientConfig(
        base_url=server.url,
        retry_first=brief,
        retry_cap=timedelta(milliseconds=50),
        reconnect_first=brief,
        reconnect_cap=timedelta(milliseconds=20),
    )


@pytest.fixture
async def client(config: ClientConfig) -> AsyncIterator[TwapClient]:
    """Give a client that signs in as ada when it must."""
    async with TwapClient(username="ada", password="correct horse", config=config) as opened:
        yield opened
