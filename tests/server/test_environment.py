"""Variables: those of Kubernetes are passed over, ours are read, and a wrong one is named."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from twap_server import bootstrap, settings
from twap_server.domain.errors import InvalidRequest, UnavailableError
from twap_server.environment import service_links
from twap_server.store.database import Database

LINKS = {
    # a service "twap" with a port of a name
    "TWAP_SERVICE_HOST": "10.96.0.17",
    "TWAP_SERVICE_PORT": "8000",
    "TWAP_SERVICE_PORT_HTTP_API": "8000",
    "TWAP_PORT": "tcp://10.96.0.17:8000",
    "TWAP_PORT_8000_TCP": "tcp://10.96.0.17:8000",
    "TWAP_PORT_8000_TCP_PROTO": "tcp",
    "TWAP_PORT_8000_TCP_PORT": "8000",
    "TWAP_PORT_8000_TCP_ADDR": "10.96.0.17",
    # "twap-server" on IPv6, "twap-database" over UDP, "twap-engine"
    "TWAP_SERVER_PORT": "tcp://[fd00::17]:8000",
    "TWAP_SERVER_SERVICE_HOST": "fd00::17",
    "TWAP_DATABASE_PORT_53_UDP": "udp://10.96.0.18:53",
    "TWAP_DATABASE_PORT_53_UDP_PROTO": "udp",
    "TWAP_ENGINE_SERVICE_PORT": "1",
}


def load(environment: Mapping[str, str], **flags: Any) -> settings.Settings:
    return settings.load(file=None, flags=flags, environment=environment)


def test_links_are_passed_over_and_nothing_else() -> None:
    given = {**LINKS, "TWAP_HOST": "::1", "TWAP_ENGINE__MAX_SLICES": "5", "PATH": "tcp://x"}
    loaded = load(given)
    assert loaded.model_dump(exclude_unset=True) == {"host": "::1", "engine": {"max_slices": 5}}
    assert service_links(given) == sorted(LINKS)


def test_a_link_and_our_own_port_on_the_command_line() -> None:
    assert load(LINKS, port=8001).port == 8001


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TWAP_PORT", "http", "whole number"),
        ("TWAP_PORT", "tcp:/10.96.0.17:8000", "whole number"),
        ("TWAP_PORT", "70000", "65535"),
        ("TWAP_PORT", "", "whole number"),
        ("TWAP_PROT", "1", "did you mean TWAP_PORT?"),
        ("TWAP_SERVICE_HOST", "not an address", "expected one of TWAP_API"),
        ("TWAP_PORT_8000_TCP_PROTO", "8000", "expected one of TWAP_API"),
        ("TWAP_", "1", "expected one of TWAP_API"),
        ("TWAP_ENGINE__MAX_SLICE", "1", "TWAP_ENGINE__MAX_SLICES"),
        ("TWAP_ENGINE__", "1", "TWAP_ENGINE__MAX_SLICES"),
        ("TWAP_API__STREAM__DEEP", "1", "TWAP_API__STREAM__DEPTH"),
        ("TWAP_API__STREAM__DEPTH", "ten", "whole number"),
        ("TWAP_PORT__X", "1", "whole number"),
        ("TWAP_EXCHANGES__BINANCE__SYMBOLS", "BTC-USDT", 'JSON such as ["one", "two"]'),
        ("TWAP_EXCHANGES__BINANCE__TAKER_FEES", "0", "TWAP_EXCHANGES__BINANCE__TAKER_FEE"),
        ("TWAP_EXCHANGES", "binance", 'JSON such as {"key": "value"}'),
        ("TWAP_EXCHANGES", "{binance", "expected JSON"),
        ("TWAP_API", "x", 'JSON such as {"key": "value"}'),
        ("TWAP_API__ALLOWED_ORIGINS", "[https://x]", "expected JSON"),
    ],
)
def test_a_wrong_variable_is_named_with_what_was_expected(name: str, value: str, expected: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        load({**LINKS, name: value})
    message = str(refused.value)
    assert message.startswith(f"{name}: ") and expected in message
    assert "\n" not in message


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(InvalidRequest) as refused:
        load({"TWAP_SIGNING_KEY": '["my secret"]'})
    assert "secret" not in str(refused.value)


def test_a_wrong_flag_is_not_called_a_variable() -> None:
    with pytest.raises(InvalidRequest, match=r"^setting port: "):
        load({"TWAP_PORT": "8001"}, port=70_000)


def test_sections_and_their_parts_are_one() -> None:
    given = {
        "TWAP_ENGINE": '{"max_slices": 5, "max_open_orders": 6}',
        "TWAP_ENGINE__MAX_SLICES": "7",
        "TWAP_EXCHANGES__BINANCE__SYMBOLS": '["BTC-USDT"]',
    }
    loaded = load(given)
    assert (loaded.engine.max_slices, loaded.engine.max_open_orders) == (7, 6)
    assert loaded.exchanges["binance"].symbols == ("BTC-USDT",)


def test_links_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bootstrap.tell_service_links()
    assert not caplog.messages
    for name, value in LINKS.items():
        monkeypatch.setenv(name, value)
    bootstrap.tell_service_links()
    (line,) = caplog.messages
    assert "TWAP_PORT," in line and "TWAP_SERVICE_HOST" in line


def test_without_a_home_one_line_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    with pytest.raises(InvalidRequest) as refused:
        assert load({}).database_url
    assert all(name in str(refused.value) for name in ("HOME", "TWAP_DATABASE", "TWAP_SIGNING_KEY"))
    assert load({"TWAP_DATABASE": "sqlite:////tmp/x"}).database_url == "sqlite:////tmp/x"


async def test_a_home_that_cannot_be_written_is_told_with_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    (tmp_path / "home").write_text("a file, where a folder should be")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(UnavailableError, match="TWAP_DATABASE"):
        async with Database.open(load({}).database_url):
            """Not reached."""
