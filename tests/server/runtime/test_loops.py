"""Which loop and parser are used: the best there is, or what was asked for."""

import asyncio
import sys

import pytest

from twap_server.domain.errors import InvalidRequest
from twap_server.runtime.loops import http_parser, loop_factory


def absent(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a package look as if it were not installed."""
    monkeypatch.setitem(sys.modules, name, None)


def kind_of(choice: str) -> str:
    loop = loop_factory(choice)()  # type: ignore[arg-type]
    try:
        return type(loop).__module__.partition(".")[0]
    finally:
        loop.close()


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not exist for Windows")
def test_uvloop_where_it_is_installed() -> None:
    assert kind_of("auto") == kind_of("uvloop") == "uvloop"
    assert kind_of("asyncio") == "asyncio"


def test_asyncio_where_uvloop_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    absent(monkeypatch, "uvloop")
    assert loop_factory("auto") is asyncio.new_event_loop
    with pytest.raises(InvalidRequest, match=r"runtime.event_loop: uvloop is not installed.*choose asyncio"):
        loop_factory("uvloop")


def test_parsers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [http_parser("auto"), http_parser("h11")] == ["auto", "h11"]
    absent(monkeypatch, "httptools")
    with pytest.raises(InvalidRequest, match=r"runtime.http_parser: httptools is not installed.*choose h11"):
        http_parser("httptools")
