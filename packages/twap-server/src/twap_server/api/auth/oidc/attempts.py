"""Remember sign-ins until the provider sends the user back and the program takes its code.

Both are bounded in number and life, and are used once. When there are too many, the oldest goes: who has
just begun is not kept out by those who never finish. One server has them in memory. Gateways of a cluster
have them in one store, for the browser may come back to another one; there they are named by digests.
"""

import json
import secrets
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Generic, Protocol, TypeVar

from twap_server.api.auth.tokens import digest
from twap_server.domain.clock import SECOND, Clock, Nanos

T = TypeVar("T")
_D = TypeVar("_D", "Attempt", "Grant")


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


class Once(Protocol[T]):
    """Things by secret names, each given out once."""

    async def put(self, thing: T) -> str:
        """Remember; gives the name."""
        ...

    async def take(self, name: str) -> T | None:
        """Give and forget."""
        ...


class OnceSecrets(Protocol):
    """Where gateways remember such things together, as texts."""

    async def put(self, name_hash: str, kind: str, body: str, *, life: int) -> None:
        """Remember for so many nanoseconds.

        Raises:
            StoreUnavailable: it may not be remembered.
        """
        ...

    async def take(self, name_hash: str, kind: str) -> str | None:
        """Give and forget: of many who ask at once, one gets it.

        Raises:
            StoreUnavailable: it may be gone.
        """
        ...

    async def forget(self) -> None:
        """Forget what nobody took in time, and what is beyond the bound."""
        ...


class SharedOnce(Generic[_D]):
    """In the store of all gateways."""

    def __init__(self, kind: type[_D], things: OnceSecrets, *, life_s: int) -> None:
        """Args: life_s, after which a thing is forgotten."""
        self._kind: type[_D] = kind
        self._things, self._life = things, life_s * SECOND

    async def put(self, thing: _D) -> str:
        """Remember; gives the name."""
        name = secrets.token_urlsafe(32)
        body = json.dumps(asdict(thing))
        await self._things.put(digest(name), self._kind.__name__, body, life=self._life)
        return name

    async def take(self, name: str) -> _D | None:
        """Give and forget."""
        body = await self._things.take(digest(name), self._kind.__name__)
        return None if body is None else self._kind(**json.loads(body))


class LocalOnce(Generic[T]):
    """In memory."""

    def __init__(self, clock: Clock, *, life_s: int, most: int) -> None:
        """Args: life_s, after which a thing is forgotten; most, after which the oldest is."""
        self._clock, self._life_ns, self._most = clock, life_s * SECOND, most
        self._things: OrderedDict[str, tuple[Nanos, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._things)

    async def put(self, thing: T) -> str:
        """Remember; gives the name."""
        self._forget()
        name = secrets.token_urlsafe(32)
        self._things[name] = (self._clock.monotonic(), thing)
        if len(self._things) > self._most:
            self._things.popitem(last=False)
        return name

    async def take(self, name: str) -> T | None:
        """Give and forget."""
        self._forget()
        found = self._things.pop(name, None)
        return found[1] if found else None

    def _forget(self) -> None:
        over = self._clock.monotonic() - self._life_ns
        while self._things and next(iter(self._things.values()))[0] <= over:
            self._things.popitem(last=False)
