"""Say into which parts the exchanges of the settings are split for collectors, and refuse what cannot be."""

from collections.abc import Iterator

from twap_server.bootstrap.chosen import shapes_of
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.ownership import ExchangePart, parts_of
from twap_server.exchanges.base import Exchange
from twap_server.settings import Settings


def collected_parts(settings: Settings) -> list[ExchangePart]:
    """The parts of all exchanges that are collected; an exchange that is not split is one."""
    split = settings.cluster.split
    return [part for name in _enabled(settings) for part in parts_of(name, split.get(name, 1))]


def check_splits(settings: Settings) -> None:
    """Look at the start whether each exchange can be split as the settings say.

    Raises:
        InvalidRequest: it cannot; the message says why, or what would do.
    """
    enabled = _enabled(settings)
    for name, parts in settings.cluster.split.items():
        if name not in enabled:
            raise _refused(
                name, f"{name[:40]!r} is not collected here; there are: {', '.join(sorted(enabled))}"
            )
        if parts > 1:
            _check(shapes_of([name])[0], parts)


def _enabled(settings: Settings) -> list[str]:
    return [name for name, own in settings.exchanges.items() if own.enabled]


def _check(shape: type[Exchange], parts: int) -> None:
    if shape().bridge is not None:
        why = "ccxt paces its requests by itself, so several processes would ask more than is allowed"
        raise _refused(shape.name, f"{shape.name} cannot be split: {why}")
    if parts > (most := shape.limits.most_sharers):
        tightest = "; ".join(_tightest(shape, most))
        told = f"{shape.name} takes {most} parts at most, not {parts}: of {tightest} each part needs a share"
        raise _refused(shape.name, told)


def _tightest(shape: type[Exchange], most: int) -> Iterator[str]:
    """What an exchange allows one address, as far as it bounds the number of parts."""
    limits = shape.limits
    if limits.connects.amount == most:
        yield f"{most} attempts to connect in {limits.connects.window_s} s"
    if limits.kept_connections == most:
        yield f"{limits.connections} connections at a time"
    rates = [rate for rate in limits.rest.values() if rate.amount // limits.heaviest == most]
    yield from dict.fromkeys(f"a weight of {amount} of requests in {window} s" for amount, window in rates)


def _refused(exchange: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"cluster.split: {why}", field=f"cluster.split.{exchange}")
