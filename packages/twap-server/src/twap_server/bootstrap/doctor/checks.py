"""Run all checks in order. A check that fails itself is a finding, too."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from twap_server import settings as loading
from twap_server.bootstrap.chosen import choose
from twap_server.bootstrap.doctor import files, machine, network, storage
from twap_server.bootstrap.doctor.finding import Finding, fault, ok, warning
from twap_server.domain.clock import Clock
from twap_server.domain.errors import TwapError
from twap_server.settings import Settings

_ONE_WITHIN_S = 60
Check: TypeAlias = Callable[[], Awaitable[Sequence[Finding]]]


async def examine(*, file: Path | None, database: str | None, clock: Clock) -> list[Finding]:
    """Look at everything.

    Args:
        file: the settings file.
        database: instead of that of the settings.
        clock: the machine's.
    """
    try:
        flags = {} if database is None else {"database": database}
        settings = choose(loading.load(file=file, flags=flags), [])
    except TwapError as error:
        return [*machine.versions(), fault("settings", str(error), "correct it: see docs/settings.md")]
    source = f"read from {file} and the environment" if file else "the defaults and the environment"
    found = [*machine.versions(), ok("settings", source)]
    for check in _checks(settings, clock):
        found += await _guarded(check)
    return found


def _checks(settings: Settings, clock: Clock) -> Sequence[Check]:
    async def now() -> Sequence[Finding]:
        here = [*machine.runtime(settings), *machine.openid(settings)]
        return [*here, *files.folder(settings), *files.signing_key(settings)]

    async def stored() -> Sequence[Finding]:
        return [*await storage.database(settings), *await asyncio.to_thread(files.disk, settings, clock)]

    async def outside() -> Sequence[Finding]:
        exchanges = await network.exchanges(settings, clock)
        return [*await machine.clocks(clock), *exchanges]

    async def last() -> Sequence[Finding]:
        return [*machine.open_files(settings), *await network.port(settings)]

    return (now, stored, outside, last)


async def _guarded(check: Check) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(_ONE_WITHIN_S):
            return await check()
    except TimeoutError:
        return [warning("doctor", f"a check took longer than {_ONE_WITHIN_S} s and was given up")]
    except TwapError as error:
        return [fault("doctor", str(error))]
    except Exception as error:  # whoever asks what is wrong is told all the rest
        return [fault("doctor", f"a check failed ({type(error).__name__}: {error})")]
