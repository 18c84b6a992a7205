"""What the app is made of: bootstrap fills ``Parts``, the app builds ``Services`` on top."""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from secrets import token_hex
from typing import TYPE_CHECKING

from twap_server.api.auth.access import Access
from twap_server.api.auth.accounts_port import Accounts
from twap_server.api.auth.api_keys import ApiKeys
from twap_server.api.auth.key_uses import KeyUses
from twap_server.api.auth.lockout import Lockout
from twap_server.api.auth.passwords import Passwords
from twap_server.api.auth.registration import Registration
from twap_server.api.auth.sign_in import SignIn
from twap_server.api.auth.tokens import Tokens
from twap_server.api.book_room import BookRoom
from twap_server.api.config import ApiConfig
from twap_server.api.fair_turns import FairTurns, Rank
from twap_server.api.http.metrics import Metrics, tally
from twap_server.api.http.rate_limits import MINUTE, RateLimit
from twap_server.api.ports import MarketData, OrderRecords, Orders
from twap_server.api.stream.book_messages import BookSource
from twap_server.api.stream.registry import Sessions
from twap_server.api.wire.large import LargeAnswers
from twap_server.api.wire.listings import InstrumentLists
from twap_server.books.counters import BookCounters
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.engine.config import EngineConfig
from twap_server.feed.bus import Bus
from twap_server.runtime.durations import Family
from twap_server.runtime.threads import Threads

if TYPE_CHECKING:
    from twap_server.api.auth.oidc.flow import OidcSignIn

_LISTS_WAITING = 256
_CATCH_UPS = 2
"""Pages of order events read at once: half of the connections for reading, so that sign-ins have theirs."""


async def always_ready() -> list[str]:
    """Nothing stands in the way."""
    return []


def new_id() -> str:
    """An id that nothing else has."""
    return token_hex(16)


class ApiThreads:
    """Threads of the API, those of each kind of work their own."""

    def __init__(self, config: ApiConfig) -> None:
        """As many as ``config`` lets work at once."""
        many = config.passwords.concurrent
        self.passwords = Threads("password", many)
        self.registrations = Threads("registration", max(1, many - 1), nice=10)
        self.writing = Threads("writing", config.max_large_answers + 1)

    def close(self) -> None:
        """End them."""
        for threads in (self.passwords, self.registrations, self.writing):
            threads.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What bootstrap hands over."""

    orders: Orders
    records: OrderRecords
    accounts: Accounts
    market: MarketData
    bus: Bus
    clock: Clock
    signing_key: bytes = field(repr=False)
    config: ApiConfig = ApiConfig()
    max_leg_spread: Decimal = EngineConfig().max_leg_spread
    """The engine's: books that orders are not filled across are not merged either."""
    book_counters: BookCounters = field(default_factory=BookCounters)
    new_id: Callable[[], str] = new_id
    """Names users, sign-ins and keys."""
    sessions: Sessions = field(default_factory=Sessions)
    """Bootstrap calls ``sessions.close_all()`` before it stops the server."""
    key_uses: KeyUses = field(default_factory=KeyUses)
    """Bootstrap lets it record what it is told: ``key_uses.keep()``."""
    not_ready: Callable[[], Awaitable[list[str]]] = always_ready
    """Reasons why ``/ready`` should say 503; empty when all is well."""
    remarks: Callable[[], list[str]] = list
    """What ``/ready`` tells of a server that is ready, of its clock for instance."""
    gauges: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    """More numbers for ``/metrics``, by name; for instance ``twap_open_orders``."""
    durations: Sequence[Family] = ()
    """More histograms for ``/metrics``."""
    threads: ApiThreads = field(default_factory=lambda: ApiThreads(ApiConfig()))
    """Bootstrap makes them as the settings say, and closes them at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What routes work with."""

    parts: Parts
    access: Access
    sign_in: SignIn
    registration: Registration
    keys: ApiKeys
    books: BookSource
    room: BookRoom
    large: LargeAnswers
    catch_ups: FairTurns
    """Of streams that read recorded order events."""
    lists: FairTurns
    """Long lists of orders that are read: one between two turns of the event loop."""
    listings: InstrumentLists
    metrics: Metrics
    reads: RateLimit
    """Of one address, on open routes."""
    candles: RateLimit
    oidc: "OidcSignIn | None"
    """None: no OpenID provider signs in here."""
    oidc_steps: RateLimit

    def books_by_status(self) -> dict[str, float]:
        """How many watched books are live, stale and so on."""
        topics = {topic._replace(asked=topic.symbol) for topic in self.parts.bus.book_topics()}
        return tally(self.books.message(topic).status for topic in topics)

    def exchanges_by_state(self) -> dict[str, float]:
        """How many exchanges are connected, connecting, down."""
        return tally(str(status.state) for status in self.parts.market.exchanges())


def build_services(parts: Parts) -> Services:
    """Build what routes work with.

    Raises:
        ValueError: the signing key is too short.
    """
    config = parts.config
    tokens = Tokens(parts.signing_key, config.tokens, parts.clock)
    access = Access(parts.accounts, tokens, parts.clock, parts.key_uses)
    passwords = Passwords(config.passwords, parts.threads.passwords, registering=parts.threads.registrations)
    registration = Registration(
        accounts=parts.accounts, passwords=passwords, config=config, clock=parts.clock, new_id=parts.new_id
    )
    sign_in = _sign_in(parts, passwords, tokens, access)
    keys = ApiKeys(
        accounts=parts.accounts,
        access=access,
        clock=parts.clock,
        new_id=parts.new_id,
        config=config.tokens,
    )
    books = BookSource(
        parts.market,
        parts.clock,
        parts.book_counters,
        max_spread=parts.max_leg_spread,
        depth=config.stream.depth,
    )
    return Services(
        parts=parts,
        access=access,
        sign_in=sign_in,
        registration=registration,
        keys=keys,
        books=books,
        catch_ups=_catch_ups(),
        lists=_lists(),
        large=_large(parts),
        room=BookRoom(parts.market, parts.clock, config),
        listings=InstrumentLists(parts.market),
        metrics=Metrics(),
        oidc=_oidc(parts, sign_in, registration),
        oidc_steps=RateLimit(config.rates.oidc_per_minute, MINUTE, parts.clock),
        reads=RateLimit(config.rates.reads_per_minute, MINUTE, parts.clock),
        candles=RateLimit(config.rates.candles_per_minute, MINUTE, parts.clock),
    )


def _sign_in(parts: Parts, passwords: Passwords, tokens: Tokens, access: Access) -> SignIn:
    return SignIn(
        accounts=parts.accounts,
        passwords=passwords,
        lockout=Lockout(parts.config.passwords, parts.clock),
        tokens=tokens,
        access=access,
        config=parts.config.tokens,
        clock=parts.clock,
        new_id=parts.new_id,
    )


def _catch_ups() -> FairTurns:
    any_number = Rank(at_once=_CATCH_UPS, waiting=sys.maxsize)
    return FairTurns(_CATCH_UPS, [any_number], refusal="", per_key=1)


def _lists() -> FairTurns:
    refusal = "too many long lists of orders are being read: try again in a moment"
    return FairTurns(1, [Rank(at_once=1, waiting=_LISTS_WAITING)], refusal=refusal)


def _large(parts: Parts) -> LargeAnswers:
    config = parts.config
    return LargeAnswers(
        parts.threads.writing,
        at_once=config.max_large_answers,
        per_user=config.max_large_answers_per_user,
    )


def _oidc(parts: Parts, sign_in: SignIn, registration: Registration) -> "OidcSignIn | None":
    if not parts.config.oidc.issuer:
        return None
    try:
        from twap_server.api.auth.oidc.flow import OidcSignIn  # noqa: PLC0415 - authlib is an extra
    except ModuleNotFoundError:
        raise InvalidRequest(
            "api.oidc needs a package that is not installed: pip install authlib",
            field="api.oidc.issuer",
        ) from None
    return OidcSignIn(
        config=parts.config.oidc,
        accounts=parts.accounts,
        sign_in=sign_in,
        registration=registration,
        clock=parts.clock,
        new_id=parts.new_id,
    )
