"""Passwords: they cost tenths of a second and 64 MiB each to check, and others want theirs checked, too."""

from siege import wire
from siege.attack import Attack
from siege.ground import Ground
from siege.tally import Tally

_FORM = "Content-Type: application/x-www-form-urlencoded"
_WRONG_FOR_ONE = 10 + 6
"""Wrong passwords for one name from one address: ten, then ever rarer, six in the first minute."""


def _guess(name: str, number: int, headers: tuple[str, ...] = ()) -> bytes:
    body = f"grant_type=password&username={name}&password=wrong-guess-{number}"
    return wire.request("POST", "/auth/token", (_FORM, *headers), body.encode())


class Forwarded(Attack):
    """Each guess claims to come from another address."""

    name, number = "forwarded", "A6"
    what = "wrong passwords for one name, each with another X-Forwarded-For, and with the victim's own"
    held = "the guesses are counted together and refused; the victim signs in"
    borrowed_mib = 128

    async def run(self, ground: Ground) -> None:
        """One after another on one connection."""

        async def once(_: int) -> None:
            async with ground.line() as line:
                while ground.goes_on:
                    guess = ground.tally.requests
                    shown = "127.0.0.1" if guess % 2 else f"10.9.{guess // 250 % 250}.{guess % 250 + 1}"
                    headers = (f"X-Forwarded-For: {shown}", f"Forwarded: for={shown}", f"X-Real-IP: {shown}")
                    await line.ask(_guess(ground.victim, guess, headers))

        await ground.repeat(once)

    def look(self, tally: Tally) -> None:
        """Ten guesses are looked at, and then ever fewer."""
        super().look(tally)
        if tally.answers["401"] > _WRONG_FOR_ONE:
            tally.hole(f"{tally.answers['401']} guesses of one address were looked at")


class LockOut(Attack):
    """Wrong passwords for somebody else's name from many addresses."""

    name, number = "lock-out", "B10"
    what = "wrong passwords for the victim's name from 20 addresses, eight at once"
    held = "they are refused with the time to wait; the victim, known by its address, signs in all along"
    borrowed_mib = 128

    async def run(self, ground: Ground) -> None:
        """Without end."""

        async def once(number: int) -> None:
            async with ground.line(100 + ground.tally.connections % 20) as line:
                for _ in range(5):
                    await line.ask(_guess(ground.victim, number))

        await ground.repeat(once, at_once=8)

    def look(self, tally: Tally) -> None:
        """A name has a hundred guesses."""
        super().look(tally)
        if tally.answers["200"] or tally.answers["401"] > 100:
            tally.hole(f"{tally.answers['401']} guesses for one name were looked at")


class Registrations(Attack):
    """New accounts without end."""

    name, number = "registrations", "B9"
    what = "registrations of ever new names, 90 at once, from 9 addresses"
    held = "the victim signs in within the bound all along"
    borrowed_mib = 128

    async def run(self, ground: Ground) -> None:
        """Each on a connection of its own."""

        async def once(number: int) -> None:
            async with ground.line(200 + number % 9) as line:
                while ground.goes_on:
                    name = f"new-{ground.rng.getrandbits(64):x}"
                    body = f'{{"username":"{name}","password":"correct horse {name}"}}'
                    await line.ask(wire.json_request("POST", "/auth/register", body.encode()))

        await ground.repeat(once, at_once=ground.scaled(90))
