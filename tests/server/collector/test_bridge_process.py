"""A process that speaks with an exchange for us: started, started again, told why it is down, never left."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psutil
import pytest

from support.children import TESTS
from support.collector.parts import HastyClock, until
from twap_server.clock import SystemClock
from twap_server.collector import bridge_process as processes
from twap_server.collector.bridge_process import BridgeProcess
from twap_server.collector.config import CollectorConfig
from twap_server.collector.network import Network
from twap_server.domain.market.errors import ConnectionLost, WireFormatError
from twap_server.exchanges.base import Bridge, BridgeWord
from twap_server.exchanges.ccxt.adapter import CcxtExchange


class PretendedExchange(CcxtExchange):
    """Knows three words."""

    name = "pretended"

    def hear_bridge(self, line: bytes) -> BridgeWord:
        match line.strip():
            case b"ready":
                return BridgeWord(remark="well")
            case b"no extra":
                return BridgeWord(failure="the extra is missing")
        raise WireFormatError("what is this?")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    )


def children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "support.pretend_bridge" in " ".join(one.cmdline())]


@asynccontextmanager
async def kept(how: str) -> AsyncIterator[BridgeProcess]:
    """One that is kept running, and whose waits are short."""
    bridge = Bridge(module="support.pretend_bridge", arguments=(how,))
    exchange, config = PretendedExchange(), CollectorConfig(open_timeout_s=1)
    process = BridgeProcess(exchange, bridge, config, HastyClock(), random.Random(1))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(process.keep())
        try:
            yield process
        finally:
            task.cancel()


async def test_a_killed_process_is_started_again_and_none_is_left() -> None:
    async with kept("serves") as process:
        await until(process.serves.is_set, 60)
        assert (process.failure, process.remark) == ("", "well")
        (first,) = children()
        first.send_signal(signal.SIGKILL)
        await until(lambda: not process.serves.is_set(), 60)
        assert process.failure
        await until(process.serves.is_set, 60)
        (second,) = children()
        assert second.pid != first.pid
    assert not children()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("fails", "the extra is missing"),
        ("garbage", "the process that speaks with it wrote what cannot be read"),
        ("dies", "the process that speaks with it ended with 3 (KeyError: 'price'); it is started again"),
    ],
)
async def test_why_it_is_down_is_told(how: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    async with kept(how) as process:
        await until(lambda: process.failure == words, 60)
        assert not process.serves.is_set()
        await until(lambda: any(words in line for line in caplog.messages), 60)
    assert not children()


async def test_one_that_does_not_end_by_itself_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_ENDS_WITHIN_S", 0)
    async with kept("stays") as process:
        await until(process.serves.is_set, 60)
        assert children()
    assert not children()


async def test_one_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_SAYS_NOTHING_S", 0)
    monkeypatch.setattr(processes, "_ENDS_WITHIN_S", 0)
    async with kept("stays") as process:
        await until(lambda: "said nothing for too long" in process.failure, 60)


async def test_no_socket_is_opened_while_it_does_not_serve() -> None:
    def never(*_: object) -> None:
        raise AssertionError("opened")

    network: Callable[..., Network] = Network
    async with kept("fails") as process:
        await until(lambda: process.failure == "the extra is missing", 60)
        through = process.through(network(open_socket=never))
        with pytest.raises(ConnectionLost, match="the extra is missing"):
            async with through.open_socket(
                PretendedExchange(), CollectorConfig(open_timeout_s=1), SystemClock()
            ):
                pass
