"""What an exchange allows one address, shared out: nobody's share breaks it, and each can do everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.asking import page
from support.collector.memory import listed
from twap_server.exchanges.base import Exchange, Limits, Rate
from twap_server.exchanges.registry import EXCHANGES

each = pytest.mark.parametrize("shape", EXCHANGES, ids=lambda one: one.name)
rates = st.builds(Rate, st.integers(1, 10_000), st.integers(1, 600))


@given(
    st.builds(Limits, connects=rates, connections=st.integers(0, 50), rest=st.dictionaries(st.text(), rates))
)
def test_shares_together_are_never_more_than_what_is_allowed(limits: Limits) -> None:
    sharers = limits.most_sharers
    share = limits.shared_by(sharers)
    assert share.connections * sharers <= limits.connections
    for mine, all_of_it in [
        (share.connects, limits.connects),
        *((share.rest[bucket], limits.rest[bucket]) for bucket in limits.rest),
    ]:
        assert mine.amount >= 1 and mine.amount * sharers <= all_of_it.amount
        assert mine.window_s == all_of_it.window_s
    assert not limits.connections or share.kept_connections * sharers <= max(1, limits.kept_connections)


@each
def test_alone_an_exchange_has_all_of_it(shape: type[Exchange]) -> None:
    assert shape.limits.shared_by(1) == shape.limits


@each
def test_each_share_has_room_for_the_heaviest_request(shape: type[Exchange]) -> None:
    exchange = shape(depth=max(shape.depths, default=0))
    share = exchange.limits.shared_by(exchange.limits.most_sharers)
    assert min((rate.amount for rate in share.rest.values()), default=1) >= share.heaviest
    one = next(iter(listed(shape.name).values()))
    asked = [
        next(exchange.instruments()),
        next(exchange.statuses([one])),
        next(exchange.snapshot(one)),
        next(exchange.candles(one, page(limit=exchange.klines.max_rows))),
    ]
    assert max(request.weight for request in asked) <= exchange.limits.heaviest


@each
def test_what_is_shared_is_one_servers_own(shape: type[Exchange]) -> None:
    mine, theirs = shape(), shape()
    mine.share_limits(2)
    assert theirs.limits == shape.limits
    assert mine.limits.sends == shape.limits.sends, "what one connection may do stays"
