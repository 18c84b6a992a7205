"""Choose the event loop of the server and the parser of its HTTP requests."""

import asyncio
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Literal, TypeAlias

from twap_server.domain.errors import InvalidRequest

EventLoop: TypeAlias = Literal["auto", "asyncio", "uvloop"]
HttpParser: TypeAlias = Literal["auto", "h11", "httptools"]
LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]


def loop_factory(choice: EventLoop) -> LoopFactory:
    """Give what makes the loop; ``auto`` is uvloop where it is installed (there is none for Windows).

    Raises:
        InvalidRequest: uvloop was asked for by name and is not installed.
    """
    if choice == "asyncio" or (choice == "auto" and find_spec("uvloop") is None):
        return asyncio.new_event_loop
    _require("uvloop", setting="runtime.event_loop", other="asyncio")
    made: LoopFactory = import_module("uvloop").new_event_loop
    return made


def http_parser(choice: HttpParser) -> HttpParser:
    """Give the parser as uvicorn names it; its ``auto`` is httptools where that is installed.

    Raises:
        InvalidRequest: httptools was asked for by name and is not installed.
    """
    if choice == "httptools":
        _require("httptools", setting="runtime.http_parser", other="h11")
    return choice


def _require(module: str, *, setting: str, other: str) -> None:
    if find_spec(module) is None:
        raise InvalidRequest(
            f"setting {setting}: {module} is not installed: pip install {module}, or choose {other}",
            field=setting,
        )
