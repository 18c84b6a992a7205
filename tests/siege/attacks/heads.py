"""Requests without end: trailers, a head in one read, what follows a refusal."""

from contextlib import suppress

from siege import wire
from siege.attack import Attack
from siege.ground import Ground
from siege.tally import MIB

_FORM = "Content-Type: application/x-www-form-urlencoded"


class Trailers(Attack):
    """One chunk, the last chunk, then header lines for ever."""

    name, number = "trailers", "A1"
    what = "chunked POST /auth/refresh, then trailers without end, four connections at a time"
    held = "no connection takes more than 16 MiB"

    async def run(self, ground: Ground) -> None:
        """Send trailers until each connection is closed."""
        head = wire.request("POST", "/auth/refresh", (_FORM, "Transfer-Encoding: chunked"))
        lines = (b"X-Again: " + b"a" * 1_000 + b"\r\n") * 64

        async def once(number: int) -> None:
            async with ground.line(number) as line:
                await line.say(head + b"3\r\na=b\r\n0\r\n")
                await ground.flood(line, lines, hole_at=16 * MIB)

        await ground.repeat(once, at_once=4)


class LargeHead(Attack):
    """More of a head than is taken, sent at once."""

    name, number = "head", "A1"
    what = "a head of 70 kB in one write, eight connections at a time"
    held = "every one is refused and closed"

    async def run(self, ground: Ground) -> None:
        """Send it, look at the answer, and go on sending."""
        head = wire.request("GET", "/health", [f"X-{n}: {'a' * 1_000}" for n in range(70)])

        async def once(number: int) -> None:
            async with ground.line(number) as line:
                if await line.ask(head) < 400:
                    ground.tally.hole("a head of 70 kB was accepted")
                await ground.flood(line, head, hole_at=16 * MIB)

        await ground.repeat(once, at_once=8)


class AfterRefusal(Attack):
    """A body that is refused for its length is sent all the same, and more."""

    name, number = "after-413", "A1"
    what = "POST /auth/refresh that announces a terabyte: refused, and sent without end all the same"
    held = "no connection takes more than 16 MiB after its 413"

    async def run(self, ground: Ground) -> None:
        """Read the refusal, then send."""
        head = wire.request("POST", "/auth/refresh", (_FORM, f"Content-Length: {1 << 40}"))

        async def once(number: int) -> None:
            async with ground.line(number) as line:
                with suppress(TimeoutError):
                    await line.ask(head)
                await ground.flood(line, b"a" * 65_536, hole_at=16 * MIB)

        await ground.repeat(once, at_once=4)
