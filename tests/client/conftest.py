"""A scripted server, and a client that does not wait long."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.client import Outcome, Twap
from twap_client import ClientConfig, TwapClient
from twap_client.cli.app import app
from twap_client.testing import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """Run a server with one account, ada."""
    async with ScriptedServer(bare=True) as running:
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


@pytest.fixture
def twap(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twap:
    """Run a command in a thread of its own: it brings its own event loop."""
    monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("TWAP_SERVER_URL", server.url)
    monkeypatch.delenv("TWAP_API_KEY", raising=False)

    async def run(*args: str, given: str | None = None) -> Outcome:
        result = await asyncio.to_thread(CliRunner().invoke, app, list(args), given)
        assert "Traceback" not in result.output
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
async def signed_in(twap: Twap) -> Twap:
    assert (await twap("login", "--username", "ada", "--password", "correct horse")).code == 0
    return twap
