"""Floods of small frames on the stream, before the sign-in and after it; nothing of the answers is read."""

from typing import ClassVar

from siege import wire
from siege.attack import Attack
from siege.ground import Ground
from siege.tally import MIB

_AT_ONCE = 500


class _Flood(Attack):
    number = "A2"
    held = "no connection takes more than 16 MiB"
    users = 1
    first: ClassVar[bytes] = b""
    piece: ClassVar[bytes] = b""

    async def run(self, ground: Ground) -> None:
        """Half of the connections sign in first."""

        async def once(number: int) -> None:
            async with ground.line(number) as line:
                if await wire.upgrade(line, (ground.key(),) if number % 2 else ()) != 101:
                    return
                await line.say(self.first)
                await ground.flood(line, self.piece * _AT_ONCE, hole_at=16 * MIB, frames=_AT_ONCE)

        await ground.repeat(once, at_once=4)


class Pings(_Flood):
    """Pings whose pongs nobody reads."""

    name = "pings"
    what = "pings of 125 bytes without end on four streams, pongs unread"
    piece = wire.frame(wire.PING, b"a" * 125)


class EmptyFragments(_Flood):
    """A message of empty parts."""

    name = "fragments"
    what = "a message of empty fragments without end on four streams"
    first = wire.frame(wire.TEXT, last=False)
    piece = wire.frame(wire.CONT, last=False)


class Pongs(_Flood):
    """Pongs nobody asked for."""

    name = "pongs"
    what = "pongs nobody asked for, without end, on four streams"
    piece = wire.frame(wire.PONG, b"a")
