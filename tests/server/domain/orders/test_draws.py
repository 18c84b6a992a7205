"""domain/orders/draws.py: the numbers that orders were recorded with."""

from twap_server.domain.orders.draws import BITS, drawn


def test_numbers_are_those_of_orders_that_were_recorded() -> None:
    """The first eight bytes of a SHA-256: another rule would change what orders did."""
    assert drawn(b"seed", b"latency", 0) == 17574282169862620878
    assert drawn(b"seed", b"size", 1) == 7694751785662805120
    assert drawn(b"seed", b"size", 2**40) == 17609931564515123660


def test_draws_for_different_things_have_nothing_in_common() -> None:
    found = {drawn(seed, what, 7) for seed in (b"a", b"b") for what in (b"time", b"size")}
    assert len(found) == 4 and all(0 <= one < 1 << BITS for one in found)
