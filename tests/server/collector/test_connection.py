"""collector/connection.py: which library opens a WebSocket."""

import pytest

from twap_server.clock import SystemClock
from twap_server.collector import connection
from twap_server.collector.config import CollectorConfig
from twap_server.collector.connection import check_library, opened
from twap_server.domain.errors import InvalidRequest
from twap_server.exchanges.binance.spot import BinanceExchange


class Chosen(Exception):
    """Says which one."""


def choosing(name: str):  # type: ignore[no-untyped-def]
    async def open_socket(*_: object) -> None:
        raise Chosen(name)

    return open_socket


@pytest.mark.parametrize(
    ("setting", "is_installed", "chosen"),
    [
        ("websockets", True, "usual"),
        ("auto", True, "fast"),
        ("auto", False, "usual"),
        ("picows", True, "fast"),
    ],
)
async def test_the_settings_choose(
    monkeypatch: pytest.MonkeyPatch, setting: str, is_installed: bool, chosen: str
) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda _: is_installed or None)
    monkeypatch.setattr(connection, "_usual", choosing("usual"))
    monkeypatch.setattr(connection, "_fast", choosing("fast"))
    config = CollectorConfig.model_validate({"websocket": setting})
    check_library(config)
    with pytest.raises(Chosen, match=chosen):
        async with opened(BinanceExchange(), config, SystemClock()):
            raise AssertionError("it was opened")


def test_a_library_that_is_not_installed_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda _: None)
    with pytest.raises(InvalidRequest, match="install the extra fast") as told:
        check_library(CollectorConfig(websocket="picows"))
    assert told.value.field == "collector.websocket"


def test_the_default_is_the_library_of_the_design() -> None:
    assert CollectorConfig().websocket == "websockets"
