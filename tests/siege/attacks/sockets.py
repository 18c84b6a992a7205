"""Thousands of connections that say nothing."""

import asyncio
from contextlib import suppress

from siege import wire
from siege.attack import Attack
from siege.ground import Ground
from siege.target import address
from siege.wire import Line

_MANY = 6_000
_HALF_A_HEAD = b"GET /health HTTP/1.1\r\nHost: here\r\nX-Later: "


class _Idle(Attack):
    most_connections = _MANY
    hosts = 1

    async def run(self, ground: Ground) -> None:
        """Open them, half with the beginning of a head; hold them until the end."""
        lines: list[Line] = []
        try:
            async with asyncio.TaskGroup() as group:
                for part in range(8):
                    group.create_task(self._open(ground, lines, ground.scaled(_MANY) // 8, part))
            await asyncio.sleep(max(0.0, ground.left))
            for line in lines:
                ground.tally.answers["closed" if line.reader.at_eof() else "open at the end"] += 1
        finally:
            for line in lines:
                line.writer.transport.abort()

    async def _open(self, ground: Ground, lines: list[Line], count: int, part: int) -> None:
        for number in range(count):
            if not ground.goes_on:
                return
            source = address((number * 8 + part) % self.hosts)
            try:
                line = await wire.connect(ground.target, ground.tally, source=source, out_buffer=4_096)
            except (OSError, TimeoutError):
                ground.tally.answers["refused"] += 1
                continue
            lines.append(line)
            with suppress(OSError):
                await line.say(_HALF_A_HEAD if number % 2 else b"")


class IdleFromOne(_Idle):
    """One host takes all it can get."""

    name, number = "idle-one-host", "A4"
    what = "6,000 sockets of one host, half with the beginning of a head"
    held = "others still connect, anew too"


class IdleFromMany(_Idle):
    """Thirty hosts do: more than there is room for."""

    name, number = "idle-many-hosts", "A4"
    what = "6,000 sockets of 30 hosts, half with the beginning of a head"
    held = "who is connected is served; who comes anew is served or told 503"
    hosts = 30
    anew_may_be_refused = True
