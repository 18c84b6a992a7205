"""What takes long to make and is the same for every test: made once in a process. And what waits for nothing.

Half of the time of a command in this process goes into the tree of all commands, nearly all of the time of
a client of httpx into the certificates of all authorities, and the end of a server is a fifth of a second of
waiting.
"""

import asyncio
import os
import sys
from functools import cache
from ssl import SSLContext
from typing import Any

import pytest


def commands(patch: pytest.MonkeyPatch) -> None:
    """The tree of commands of each app: a runner makes it at each call."""
    if testing := sys.modules.get("typer.testing"):
        patch.setattr(testing, "_get_command", cache(testing._get_command))


class _Hurried:
    """asyncio, with a sleep a twentieth as long."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / 20)


def pulse(patch: pytest.MonkeyPatch) -> None:
    """uvicorn's: ten times a second it looks whether it shall end, and then waits as long for nothing."""
    if server := sys.modules.get("uvicorn.server"):
        patch.setattr(server, "asyncio", _Hurried())


def page_files(patch: pytest.MonkeyPatch) -> None:
    """The dashboard's files: an app reads them all when it is made."""
    if route := sys.modules.get("twap_server.dashboard.route"):
        files = cache(route.read_files)
        patch.setattr(route, "read_files", lambda: dict(files()))


def certificates(patch: pytest.MonkeyPatch) -> None:
    """TLS of clients that say nothing of certificates: one for each place that the environment names."""
    if not (transports := sys.modules.get("httpx._transports.default")):
        return
    make = transports.create_ssl_context

    @cache
    def usual(trust_env: bool, *where: str | None) -> SSLContext:
        made: SSLContext = make(trust_env=trust_env)
        return made

    def context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> Any:
        if verify is not True or cert:
            return make(verify=verify, cert=cert, trust_env=trust_env)
        return usual(trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))

    patch.setattr(transports, "create_ssl_context", context)
    patch.setattr(sys.modules["httpx"], "create_ssl_context", context)
