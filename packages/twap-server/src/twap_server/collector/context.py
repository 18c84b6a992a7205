"""Share the objects that the parts of a connection's work use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from twap_server.books.live import LiveBook, NewBook
from twap_server.books.traded_volume import TradedVolume
from twap_server.collector.allowance import ExchangeAllowance
from twap_server.collector.backoff import KeyedBackoff
from twap_server.collector.config import CollectorConfig
from twap_server.collector.cooldown import Cooldown
from twap_server.collector.history import History
from twap_server.collector.network import Network
from twap_server.collector.rate_limit import RateLimiter
from twap_server.collector.suspects import Suspects
from twap_server.domain.clock import Clock
from twap_server.domain.market.errors import AttemptRefused
from twap_server.domain.market.events import TradingStatus
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Exchange

_OVERSIZED_ASIDE_MS, _OVERSIZED_ASIDE_MAX_S = 300_000, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionContext:
    """What every session of an exchange works with."""

    exchange: Exchange
    config: CollectorConfig
    clock: Clock
    rng: Random
    history: History
    network: Network
    trades: TradedVolume
    new_book: NewBook
    """Builds the books that readers see."""
    instruments: Callable[[], Mapping[str, Instrument]]
    """Canonical symbol to instrument, as listed now."""
    connects: RateLimiter
    on_trading_status: Callable[[TradingStatus], None]
    """Called with what the stream tells of an instrument or of the exchange."""
    doubt_list: Callable[[], None]
    """Ask for the list of instruments soon: something shows that it is not true any more."""
    backoff: KeyedBackoff
    """How long to leave an instrument alone that keeps failing."""
    cooldown: Cooldown[AttemptRefused]
    """Whether the exchange lets us try to connect."""
    suspects: Suspects
    """Who sends more at once than we take."""
    resubscribes: RateLimiter
    """Of books that are subscribed anew, over all connections."""


def session_context(
    exchange: Exchange,
    *,
    config: CollectorConfig,
    clock: Clock,
    rng: Random,
    history: History,
    network: Network,
    trades: TradedVolume,
    instruments: Callable[[], Mapping[str, Instrument]],
    new_book: NewBook = LiveBook,
    on_trading_status: Callable[[TradingStatus], None] = lambda _: None,
    doubt_list: Callable[[], None] = lambda: None,
    allowance: ExchangeAllowance | None = None,
) -> SessionContext:
    """Build what follows from an exchange and the settings: budgets, and the memory of what failed.

    ``allowance``: what was spent and forbidden before; None: nothing was.
    """
    allowance = allowance or ExchangeAllowance.of(exchange, config, clock)
    aside = KeyedBackoff(clock, rng, initial_ms=_OVERSIZED_ASIDE_MS, cap_s=_OVERSIZED_ASIDE_MAX_S)
    return SessionContext(
        exchange=exchange,
        config=config,
        clock=clock,
        rng=rng,
        history=history,
        network=network,
        trades=trades,
        new_book=new_book,
        instruments=instruments,
        on_trading_status=on_trading_status,
        doubt_list=doubt_list,
        backoff=KeyedBackoff(clock, rng, initial_ms=config.backoff_initial_ms, cap_s=config.set_aside_max_s),
        cooldown=allowance.cooldown,
        suspects=Suspects(clock, aside),
        resubscribes=allowance.resubscribes,
        connects=allowance.connects,
    )


@dataclass(slots=True, kw_only=True)
class Served:
    """What one connection feeds; it may be given other books in place of those it has."""

    books: Mapping[str, LiveBook]
    """By canonical symbol: those of its shard, which alone adds and removes them."""
    primary: bool
    """Whether readers see them."""
