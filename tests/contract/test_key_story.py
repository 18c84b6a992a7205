"""A script's API key from its making to its end: the real server, the real command line (F145-F149)."""

import asyncio
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.live import PASSWORD, serving
from support.nodes import not_on_nodes
from twap_client import NotAuthenticated, TwapClient
from twap_client.cli.app import app
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND, Nanos
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

HOUR = 3_600 * SECOND
SUBMIT = ["submit", "binance", "BTC-USDT", "buy", "1", "--duration", "1h", "--slices", "6", "--yes"]


class Ahead(SystemClock):
    """The machine's clock, set forward by the test."""

    by = 0

    def now(self) -> Nanos:
        return Nanos(super().now() + self.by)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


async def twap(url: str, folder: Path, *args: str, given: str = "", key: str = "") -> Done:
    """Run the command in a thread of its own: it brings its own event loop."""
    told = {"TWAP_SERVER_URL": url, "TWAP_CONFIG_DIR": str(folder), "COLUMNS": "80", "TWAP_API_KEY": key}
    unset = {name: None for name in os.environ if name.startswith("TWAP_")}
    async with asyncio.timeout(60):
        done = await asyncio.to_thread(CliRunner().invoke, app, list(args), given, {**unset, **told})
    return Done(done.exit_code, done.stdout, done.stderr)


async def refused(client: TwapClient, ready: asyncio.Event) -> str:
    """Follow orders until the stream is refused; gives the words."""
    try:
        async with client.stream(orders=True) as stream:
            await stream.ready()
            ready.set()
            async for _ in stream:
                """Nothing happens."""
    except NotAuthenticated as error:
        return str(error)
    raise AssertionError("the stream ended otherwise")


def holders(folder: Path, *words: str) -> list[Path]:
    """The files that hold one of these words."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if any(word.encode() in file.read_bytes() for word in words)]


@not_on_nodes("they serve nobody by a clock that is not their database's")
async def test_a_key_that_reads_until_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="twap_server")
    clock = Ahead()
    home = tmp_path / "home"
    async with Venue(SyntheticSource(seed=7, clock=clock), clock=clock) as venue:
        urls = {"binance": venue.urls()["binance"]}
        async with serving(tmp_path, urls, clock=clock) as url:
            made = await twap(url, home, "register", "-u", "ada", "--password-stdin", given=PASSWORD + "\n")
            assert made.code == 0, made.err
            made = await twap(url, home, "keys", "create", "nightly", "--read-only", "--expires", "1h")
            secret = made.out.removesuffix("\n")
            assert (made.code, secret[:5], len(secret.split())) == (0, "twap_", 1), made
            assert secret not in made.err

            listed = await twap(url, home, "orders", "--json", key=secret)
            assert (listed.code, listed.out) == (0, "[]\n")
            told = await twap(url, home, *SUBMIT, key=secret)
            assert (told.code, told.out) == (1, "")
            assert "this API key lacks the scope trade (it has read)" in told.err.splitlines()[-1]
            assert "TWAP_API_KEY is used: unset it and sign in" in told.err
            assert (await twap(url, home, "orders", "--json", key=secret)).out == "[]\n", "nothing was taken"
            told = await twap(url, home, "keys", "create", "another", key=secret)
            assert told.code == 1 and "an API key cannot manage API keys" in told.err

            async with TwapClient(url, api_key=secret) as reader, asyncio.TaskGroup() as group:
                ready = asyncio.Event()
                follower = group.create_task(refused(reader, ready))
                async with asyncio.timeout(20):
                    await ready.wait()
                    clock.by = HOUR + SECOND
                    assert await follower == "the API key was refused"
            told = await twap(url, home, "orders", key=secret)
            assert told.code == 6 and "may be misspelt, revoked or expired" in told.err
            shown = await twap(url, home, "keys", "list")
            assert "nightly" in shown.out and "twap_" not in shown.out
        # The last use is written when the server stops, if not before.
        async with (
            serving(tmp_path, urls, clock=clock) as url,
            TwapClient(url, username="ada", password=PASSWORD) as client,
        ):
            (key,) = await client.accounts.list_keys()
            assert key.last_used is not None and key.expires is not None
            assert key.created < key.last_used < key.expires
            fresh = await client.accounts.create_key("fresh")
            assert [one.key_id for one in await client.accounts.list_keys()] == [fresh.key_id]
    assert secret not in caplog.text and fresh.key not in caplog.text and PASSWORD not in caplog.text
    assert caplog.text, "there is a log"
    assert holders(tmp_path, secret, fresh.key, PASSWORD) == []
