"""``Services``: what the app works with, built once, by bootstrap."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING

from twap_server.api.auth.access import Access
from twap_server.api.auth.accounts_port import Accounts, Identities
from twap_server.api.auth.api_keys import ApiKeys
from twap_server.api.auth.key_uses import KeyUses
from twap_server.api.auth.lockout import Lockout, PasswordAttempts
from twap_server.api.auth.passwords import Passwords
from twap_server.api.auth.registration import DAY, Registration
from twap_server.api.auth.shared_limits import RateLimits, SharedLimits
from twap_server.api.auth.shared_lockout import SharedLockout
from twap_server.api.auth.sign_in import SignIn
from twap_server.api.auth.tokens import Tokens
from twap_server.api.book_quota import BookQuota
from twap_server.api.config import ApiConfig, OidcConfig, PasswordConfig
from twap_server.api.fair_queue import FairQueue, Rank
from twap_server.api.http.metrics import Metrics, tally
from twap_server.api.http.rate_limits import MINUTE, RateLimit
from twap_server.api.ports import CostRecords, MarketData, OrderRecords, Orders, Proofs
from twap_server.api.reports_itself import SelfReport
from twap_server.api.stream.book_messages import BookSource
from twap_server.api.stream.candle_publisher import CandlePublisher
from twap_server.api.stream.registry import Sessions
from twap_server.api.stream.trade_publisher import TradePublisher
from twap_server.api.wire.large import LargeAnswers
from twap_server.api.wire.listings import InstrumentLists
from twap_server.books.counters import BookCounters
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.engine.config import EngineConfig
from twap_server.feed.bus import Bus
from twap_server.runtime.threads import Threads

if TYPE_CHECKING:
    from twap_server.api.auth.oidc.attempts import OnceSecrets
    from twap_server.api.auth.oidc.flow import OidcSignIn

_ENGINE = EngineConfig()
_LISTS_WAITING = 256
_CATCH_UPS = 2
"""Pages of order events read at once: half of the connections for reading, so that sign-ins have theirs."""


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
class Auth:
    """Who may come in, and how."""

    accounts: Accounts
    access: Access
    sign_in: SignIn
    registration: Registration
    keys: ApiKeys
    key_uses: KeyUses
    """Bootstrap lets it record what it is told: ``key_uses.keep()``."""
    oidc: "OidcSignIn | None"
    """None: no OpenID provider signs in here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What routes work with, and what runs beside them."""

    config: ApiConfig
    clock: Clock
    bus: Bus
    orders: Orders
    records: OrderRecords
    costs: CostRecords
    proofs: Proofs
    engine: EngineConfig
    """Its settings: decisions depend on them."""
    market: MarketData
    auth: Auth
    sessions: Sessions
    """Bootstrap calls ``sessions.close_all()`` before it stops the server."""
    books: BookSource
    trades: TradePublisher
    """Bootstrap lets it hear of trades, and publish them: ``trades.run()``."""
    live_candles: CandlePublisher
    """Bootstrap lets it hear of trades and of books' states, and publish: ``live_candles.run()``."""
    quota: BookQuota
    large: LargeAnswers
    catch_ups: FairQueue
    """Of streams that read recorded order events."""
    lists: FairQueue
    """Long lists of orders that are read: one between two turns of the event loop."""
    listings: InstrumentLists
    metrics: Metrics
    self_report: SelfReport
    reads: RateLimit
    """Of one address, on open routes."""
    candles: RateLimit
    oidc_steps: RateLimit
    rate_limits: RateLimits
    """Bootstrap of a gateway among others lets them count together: ``rate_limits.run()``."""
    threads: ApiThreads
    """Bootstrap closes them at the end."""

    def books_by_status(self) -> dict[str, float]:
        """How many watched books are live, stale and so on."""
        topics = {topic._replace(asked=topic.symbol, depth=1, owner="") for topic in self.bus.book_topics()}
        return tally(self.books.message(topic).status for topic in topics)

    def exchanges_by_state(self) -> dict[str, float]:
        """How many exchanges are connected, connecting, down."""
        return tally(str(status.state) for status in self.market.exchanges())


def build_services(
    *,
    orders: Orders,
    records: OrderRecords,
    costs: CostRecords,
    proofs: Proofs,
    accounts: Accounts,
    market: MarketData,
    bus: Bus,
    clock: Clock,
    signing_key: bytes,
    config: ApiConfig,
    engine: EngineConfig = _ENGINE,
    new_id: Callable[[], str] = new_id,
    self_report: SelfReport | None = None,
    limits: SharedLimits | None = None,
) -> Services:
    """Build all that the app works with, once for a server.

    Args:
        orders: the engine.
        records: recorded orders.
        costs: what closed orders cost.
        proofs: what orders can be proven by.
        accounts: recorded accounts.
        market: exchanges and books.
        bus: tells of books and orders.
        clock: time.
        signing_key: of access tokens.
        config: settings of the API.
        engine: its settings: books that orders are not filled across are not merged either.
        new_id: names users, sign-ins and keys, each once for ever.
        self_report: what the rest of the server tells of itself; None: nothing.
        limits: what several gateways limit callers by together; None: this process counts alone, in memory.

    Raises:
        ValueError: the signing key is too short.
    """
    threads, rates, rate_limits = ApiThreads(config), config.rates, RateLimits(limits, clock)
    tokens = Tokens(signing_key, config.tokens, clock)
    return Services(
        config=config,
        clock=clock,
        bus=bus,
        orders=orders,
        records=records,
        costs=costs,
        proofs=proofs,
        engine=engine,
        market=market,
        auth=_auth(accounts, tokens, rate_limits, config=config, clock=clock, new_id=new_id, threads=threads),
        sessions=Sessions(),
        books=BookSource(
            market,
            clock,
            BookCounters(),
            max_spread=engine.max_leg_spread,
            own_impact=orders,
            depth=config.stream.depth,
        ),
        trades=TradePublisher(market, bus, clock),
        live_candles=CandlePublisher(market, bus, clock),
        quota=BookQuota(market, clock, config),
        large=_large(config, threads),
        catch_ups=_catch_ups(),
        lists=_lists(),
        listings=InstrumentLists(market),
        metrics=Metrics(),
        self_report=self_report or SelfReport(),
        reads=rate_limits.limit("reads", rates.reads_per_minute, MINUTE),
        candles=rate_limits.limit("candles", rates.candles_per_minute, MINUTE),
        oidc_steps=rate_limits.limit("oidc", rates.oidc_per_minute, MINUTE),
        rate_limits=rate_limits,
        threads=threads,
    )


def _auth(
    accounts: Accounts,
    tokens: Tokens,
    rate_limits: RateLimits,
    *,
    config: ApiConfig,
    clock: Clock,
    new_id: Callable[[], str],
    threads: ApiThreads,
) -> Auth:
    key_uses = KeyUses()
    access = Access(accounts.sign_ins, accounts.keys, tokens, clock, key_uses)
    passwords = Passwords(config.passwords, threads.passwords, registering=threads.registrations)
    registration = Registration(
        users=accounts.users,
        invites=accounts.invites,
        passwords=passwords,
        config=config,
        clock=clock,
        new_id=new_id,
        of_address=rate_limits.limit("registrations", config.accounts_per_address_per_day, DAY),
    )
    sign_in = SignIn(
        users=accounts.users,
        sign_ins=accounts.sign_ins,
        passwords=passwords,
        lockout=_lockout(config.passwords, rate_limits.shared, clock),
        tokens=tokens,
        access=access,
        config=config.tokens,
        clock=clock,
        new_id=new_id,
    )
    once = rate_limits.shared.once if rate_limits.shared else None
    return Auth(
        accounts=accounts,
        access=access,
        sign_in=sign_in,
        registration=registration,
        keys=ApiKeys(keys=accounts.keys, access=access, clock=clock, new_id=new_id, config=config.tokens),
        key_uses=key_uses,
        oidc=_oidc(
            accounts.identities, sign_in, registration, once, config=config.oidc, clock=clock, new_id=new_id
        ),
    )


def _lockout(config: PasswordConfig, shared: SharedLimits | None, clock: Clock) -> PasswordAttempts:
    return Lockout(config, clock) if shared is None else SharedLockout(config, shared.tries, clock)


def _oidc(
    identities: Identities,
    sign_in: SignIn,
    registration: Registration,
    shared: "OnceSecrets | None",
    *,
    config: OidcConfig,
    clock: Clock,
    new_id: Callable[[], str],
) -> "OidcSignIn | None":
    if not config.issuer:
        return None
    try:
        from twap_server.api.auth.oidc.flow import OidcSignIn  # noqa: PLC0415 - authlib is an extra
    except ModuleNotFoundError:
        raise InvalidRequest(
            "api.oidc needs a package that is not installed: pip install authlib",
            field="api.oidc.issuer",
        ) from None
    return OidcSignIn(
        config=config,
        identities=identities,
        sign_in=sign_in,
        registration=registration,
        clock=clock,
        new_id=new_id,
        shared=shared,
    )


def _catch_ups() -> FairQueue:
    any_number = Rank(at_once=_CATCH_UPS, waiting=sys.maxsize)
    return FairQueue(_CATCH_UPS, [any_number], refusal="", per_key=1)


def _lists() -> FairQueue:
    refusal = "too many long lists of orders are being read: try again in a moment"
    return FairQueue(1, [Rank(at_once=1, waiting=_LISTS_WAITING)], refusal=refusal)


def _large(config: ApiConfig, threads: ApiThreads) -> LargeAnswers:
    return LargeAnswers(
        threads.writing, at_once=config.max_large_answers, per_user=config.max_large_answers_per_user
    )
