"""Check the machine: versions, the event loop, clocks, limits."""

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from twap_models import __version__
from twap_server.bootstrap.doctor.finding import Finding, fault, ok, warning
from twap_server.bootstrap.open_files import wanted_files
from twap_server.domain.clock import MILLISECOND, SECOND, Clock
from twap_server.domain.errors import TwapError
from twap_server.domain.market import native
from twap_server.runtime.loops import http_parser, loop_factory
from twap_server.settings import Settings

if sys.platform != "win32":
    import resource

_PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "websockets", "httpx", "sqlalchemy", "asyncpg")
_CLOCK_LOOKS = 10
_CLOCK_EVERY_S = 0.1


def versions() -> Sequence[Finding]:
    """Of Python and of what matters most."""
    own = f"twap-server {__version__}, Python {platform.python_version()}, {platform.system()}"
    return [ok("version", own), ok("packages", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))]


def runtime(settings: Settings) -> Sequence[Finding]:
    """Event loop, parser and compiled code."""
    try:
        loop_factory(settings.runtime.event_loop)
        http_parser(settings.runtime.http_parser)
    except TwapError as error:
        return [fault("runtime", str(error))]
    found = [ok("runtime", f"event loop {settings.runtime.event_loop}, HTTP {settings.runtime.http_parser}")]
    if native.COMPILED:
        return [*found, ok("native", "order books are kept by compiled code")]
    advice = "install a C compiler and Python's headers, then reinstall twap-server"
    return [*found, warning("native", "order books are kept by Python code: 2.5 times as slow", advice)]


def openid(settings: Settings) -> Sequence[Finding]:
    """Whether people can be signed in at an OpenID provider, where the settings name one. It is not asked."""
    issuer = settings.api.oidc.issuer
    if not issuer:
        return []
    if find_spec("authlib") is None:
        return [fault("openid", "api.oidc needs a package that is not installed", "pip install authlib")]
    return [ok("openid", f"{issuer} is asked when somebody signs in")]


async def clocks(clock: Clock) -> Sequence[Finding]:
    """The wall clock beside the steady one, for a second."""
    begin, mono, worst = clock.now(), clock.monotonic(), 0
    for _ in range(_CLOCK_LOOKS):
        await clock.sleep(_CLOCK_EVERY_S)
        worst = max(worst, abs(clock.now() - begin - (clock.monotonic() - mono)))
    if worst > SECOND // 10:
        text = f"the wall clock moved by {worst / SECOND:.1f} s against the steady one within a second"
        return [warning("clock", text, "something sets it: let one time service do so, slowly")]
    return [ok("clock", f"steady: within {worst / MILLISECOND:.1f} ms in a second")]


def open_files(settings: Settings) -> Sequence[Finding]:
    """Whether as many connections fit as the settings allow."""
    if sys.platform == "win32":
        return []
    wanted = wanted_files(settings.api.max_connections + settings.api.stream.max_connections)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return [ok("open files", f"{wanted:,} are needed at most, the system allows {_number(hard)}")]
    advice = "raise it (LimitNOFILE= of systemd), or lower api.max_connections and api.stream.max_connections"
    return [warning("open files", f"{wanted:,} are needed at most, the system allows {hard:,}", advice)]


def _number(limit: int) -> str:
    return "any number" if limit == -1 else f"{limit:,}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
