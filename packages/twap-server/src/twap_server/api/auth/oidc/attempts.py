"""Remember sign-ins until the provider sends the user back and the program takes its code.

Both are in memory, bounded in number and life, and are used once. When there are too many, the oldest goes:
who has just begun is not kept out by those who never finish.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from twap_server.domain.clock import SECOND, Clock, Nanos

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A browser that was sent to the provider."""

    cookie: str = field(repr=False)
    """What that browser brings back; another one does not have it."""
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    callback: str
    challenge: str
    """Of the program that began: who redeems the code must know what is behind it."""
    redirect: str
    """Where the program listens, on its loopback; empty: the code is shown, to be pasted."""
    state: str
    """The program's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A sign-in that waits for its program."""

    user_id: str
    challenge: str


class Once(Generic[T]):
    """Things by secret names, each given out once."""

    def __init__(self, clock: Clock, *, life_s: int, most: int) -> None:
        """Args: life_s, after which a thing is forgotten; most, after which the oldest is."""
        self._clock, self._life_ns, self._most = clock, life_s * SECOND, most
        self._things: OrderedDict[str, tuple[Nanos, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._things)

    def put(self, thing: T) -> str:
        """Remember; gives the name."""
        self._forget()
        name = secrets.token_urlsafe(32)
        self._things[name] = (self._clock.monotonic(), thing)
        if len(self._things) > self._most:
            self._things.popitem(last=False)
        return name

    def take(self, name: str) -> T | None:
        """Give and forget."""
        self._forget()
        found = self._things.pop(name, None)
        return found[1] if found else None

    def _forget(self) -> None:
        over = self._clock.monotonic() - self._life_ns
        while self._things and next(iter(self._things.values()))[0] <= over:
            self._things.popitem(last=False)
