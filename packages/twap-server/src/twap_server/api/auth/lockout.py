"""Limit password guessing: for a user name from one address, for an address, and for a user name.

An attempt is counted before its password is looked at, so that many at once are no more than many in a row;
what was no wrong password is given back. Nothing here asks whether the name exists.

Waits grow and end. Strangers cannot keep an owner out: who signed in from an address before is bound by the
pair alone, and who is told to wait for what others did with the name waits that long, whatever they do
meanwhile.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple, NoReturn, Protocol

from twap_server.api.auth.failure_delays import FailureDelays, FailureRule
from twap_server.api.auth.keyed_lock import KeyedLock
from twap_server.api.config import PasswordConfig
from twap_server.api.http.rate_limits import site_of
from twap_server.domain.clock import SECOND, Clock, span_text, to_span
from twap_server.domain.errors import NotAuthenticated, TooManyAttempts

REFUSAL = "too many wrong passwords: try again in {}"
_MOST_KNOWN = 50_000
_NAME_CHARACTERS = 64
_Counted = tuple[FailureDelays, str]


class WrongPassword(NotAuthenticated):
    """The name and the password do not belong together."""


class PasswordAttempts(Protocol):
    """What every password is looked at within."""

    def attempt(self, name: str, address: str) -> AbstractAsyncContextManager[None]:
        """Check one password in the block: it counts if the block ends with ``WrongPassword``.

        Raises:
            TooManyAttempts: before the block begins, with the seconds to wait; nothing was counted.
        """
        ...


class LockoutRules(NamedTuple):
    """For a user name from one address, for an address, and for a user name."""

    pair: FailureRule
    address: FailureRule
    name: FailureRule

    @classmethod
    def of(cls, config: PasswordConfig) -> "LockoutRules":
        """What the settings say."""
        own, shared = to_span(config.lockout), to_span(min(config.lockout, config.longest_shared_wait))
        return cls(
            FailureRule(free=config.max_failures, longest=own, forget=own),
            FailureRule(free=config.max_failures_per_address, longest=shared, forget=own),
            FailureRule(free=config.max_failures_per_name, longest=shared, forget=own),
        )


class Tried(NamedTuple):
    """Who tries, as it is counted."""

    pair: str
    site: str
    name: str

    @classmethod
    def of(cls, name: str, address: str) -> "Tried":
        """A name in whatever case, from an address of one caller."""
        name, site = name[:_NAME_CHARACTERS].casefold(), site_of(address)
        return cls(f"{site} {name}", site, name)


def refuse(wait: int) -> NoReturn:
    """Let nobody try for so many nanoseconds.

    Raises:
        TooManyAttempts: always.
    """
    seconds = max(1, -(-wait // SECOND))
    raise TooManyAttempts(REFUSAL.format(span_text(seconds * SECOND)), retry_after=seconds)


class Lockout:
    """In memory, bounded: what was not used for longest is forgotten first."""

    def __init__(self, config: PasswordConfig, clock: Clock) -> None:
        """Start with nobody locked out and nobody known."""
        rules = LockoutRules.of(config)
        self._of_pair, self._of_address, self._of_name = (FailureDelays(clock, rule) for rule in rules)
        self._known: OrderedDict[str, None] = OrderedDict()
        """Pairs that signed in."""
        self._promises = _Promises(clock, keep=rules.pair.forget)
        self._locks = KeyedLock(config.max_waiting)

    @asynccontextmanager
    async def attempt(self, name: str, address: str) -> AsyncIterator[None]:
        """Check one password in the block: it counts if the block ends with ``WrongPassword``.

        Attempts for one name from one address go one after another: right ones that come together all pass.

        Raises:
            TooManyAttempts: before the block begins, with the seconds to wait; nothing was counted.
            EngineBusy: too many wait for that name and address already.
        """
        pair, site, name = Tried.of(name, address)
        async with self._locks.take(pair):
            counted = self._counted(pair, site, name)
            self._let_in(pair, site, name)
            for delays, key in counted:
                delays.begin(key)
            try:
                yield
            except WrongPassword:
                for delays, key in counted:
                    delays.failed(key)
                raise
            except BaseException:
                _give_back(counted)
                raise
            _give_back(counted)
            self._remember(pair)

    def _counted(self, pair: str, site: str, name: str) -> Sequence[_Counted]:
        own = (self._of_pair, pair)
        return (own,) if pair in self._known else (own, (self._of_address, site), (self._of_name, name))

    def _let_in(self, pair: str, site: str, name: str) -> None:
        """Nothing else runs between this look and the count, for neither waits for anything."""
        wait = self._of_pair.wait(pair)
        if pair not in self._known:
            of_name = self._promises.wait(pair, self._of_name.wait(name))
            wait = max(wait, self._of_address.wait(site), of_name)
        if wait:
            refuse(wait)
        self._promises.kept(pair)

    def _remember(self, pair: str) -> None:
        self._known[pair] = None
        self._known.move_to_end(pair)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


class _Promises:
    """From when each pair may try, once it was told to wait for what others did with its name."""

    def __init__(self, clock: Clock, *, keep: int) -> None:
        self._clock = clock
        self._keep = keep
        self._from: OrderedDict[str, int] = OrderedDict()

    def wait(self, pair: str, of_name: int) -> int:
        """Nanoseconds left; ``of_name``: how long somebody who has not been told yet waits."""
        if not of_name:
            return 0
        now = self._clock.monotonic()
        told = self._from.get(pair)
        if told is None or told + self._keep <= now:
            told = self._from[pair] = now + of_name
            while len(self._from) > _MOST_KNOWN:
                self._from.popitem(last=False)
        return min(of_name, max(0, told - now))

    def kept(self, pair: str) -> None:
        """It tries now."""
        self._from.pop(pair, None)


def _give_back(counted: Sequence[_Counted]) -> None:
    for delays, key in counted:
        delays.give_back(key)
