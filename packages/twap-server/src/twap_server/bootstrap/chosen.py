"""Choose which exchanges are collected, from flags and settings."""

from collections.abc import Iterable, Mapping, Sequence

from twap_models.names import CCXT, exchange_name, split_market
from twap_server.collector.config import ExchangeConfig
from twap_server.domain.errors import InvalidRequest
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.registry import EXCHANGES, shape_of
from twap_server.settings import Settings

OWN = tuple(one.name for one in EXCHANGES)
"""Exchanges that we speak with ourselves."""


def choose(settings: Settings, exchanges: Sequence[str]) -> Settings:
    """Apply ``--exchange NAME[:SYMBOL,…]`` flags; without any, the usual ones and what is in the settings.

    Raises:
        InvalidRequest: no such exchange; the message lists those there are. Or two feeds of one market.
    """
    for name in settings.exchanges:
        _check_name(name, field=f"exchanges.{name}")
    chosen = _flagged(settings, exchanges) if exchanges else _usual(settings)
    _check_feeds(chosen)
    return settings.model_copy(update={"exchanges": chosen})


def _usual(settings: Settings) -> dict[str, ExchangeConfig]:
    own = [one.name for one in EXCHANGES if one.by_default or one.name in settings.exchanges]
    names = dict.fromkeys((*own, *settings.exchanges))
    return {name: settings.exchanges.get(name, ExchangeConfig()) for name in names}


def _flagged(settings: Settings, flags: Sequence[str]) -> dict[str, ExchangeConfig]:
    chosen: dict[str, ExchangeConfig] = {}
    for text in flags:
        spelling, _, symbols = split_market(text)
        name = exchange_name(spelling)
        _check_name(name, field="--exchange")
        wanted = tuple(symbol for symbol in symbols.split(",") if symbol)
        base = settings.exchanges.get(name, ExchangeConfig())
        before = chosen[name].symbols if name in chosen else ()  # named twice: with the symbols of both
        chosen[name] = base.model_copy(update={"symbols": (*before, *wanted) or base.symbols})
    return chosen


def _check_feeds(chosen: Mapping[str, ExchangeConfig]) -> None:
    """Refuse two feeds of one market: the merged book would count its quantities twice."""
    fed: dict[str, str] = {}
    for one in shapes_of(name for name, own in chosen.items() if own.enabled):
        for market in one.feed_of or (one.name,):
            if market in fed:
                both = " and ".join(sorted((fed[market], one.name), key=lambda name: name != market))
                told = f"{both} are two feeds of one market: choose one of them"
                raise InvalidRequest(told, field="exchanges")
            fed[market] = one.name


def shapes_of(names: Iterable[str]) -> list[type[Exchange]]:
    """The classes of these exchanges: our own first, in their order, then ccxt's."""
    found = {name: shape for name in names if (shape := shape_of(name)) is not None}
    return [found.pop(name) for name in OWN if name in found] + list(found.values())


def _check_name(name: str, *, field: str) -> None:
    if shape_of(name) is None:
        known = f"one of {', '.join(OWN)}, or {CCXT}:NAME for one of ccxt's"
        raise InvalidRequest(f"{field}: unknown exchange {name[:40]!r}, expected {known}", field=field)
