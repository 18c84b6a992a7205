"""What the log says of leases: a line for a change, not for each lease."""

from twap_server.cluster.lease_words import HeldWords, listed, waiting
from twap_server.domain.ownership import Lease, Ownership

PARTITIONS = [f"partition/{number}" for number in range(64)]


def test_leases_are_listed_shortly() -> None:
    assert listed(["exchange/binance", "partition/7", "partition/0", "partition/1"]) == (
        "exchange binance and 3 partitions (0-1, 7)"
    )
    assert listed(["exchange/kraken", "exchange/okx"]) == "exchanges kraken, okx"
    assert listed([f"exchange/okx/{number}-of-12" for number in (10, 2, 3, 1)]) == (
        "exchange okx (parts 1-3, 10 of 12)"
    )
    assert listed(["exchange/kraken", "exchange/okx/2-of-2"]) == "exchanges kraken, okx (part 2 of 2)"
    assert listed([]) == "nothing"


def _lease(name: str, node: str = "other", left: int = 1) -> Ownership:
    return Ownership(lease=Lease(name, 1), node_id=node, left=left)


def test_a_node_says_for_which_division_of_others_it_waits() -> None:
    others = [_lease("exchange/binance/1-of-2"), _lease("exchange/binance", ""), _lease("partition/3")]
    assert waiting(["exchange/kraken", "exchange/binance/3-of-4"], others) == (
        "other nodes collect binance in 2 parts, this one is to do so in 4 parts: it waits until they have "
        "stopped (the setting cluster.split must be the same for all collectors)"
    )
    assert "in 2 parts, this one is to do so unsplit: " in waiting(["exchange/binance"], others)
    assert waiting(["exchange/binance/2-of-2"], others) == waiting(["partition/3"], others) == ""
    assert waiting(["exchange/kraken/1-of-2"], [_lease("exchange/kraken")]).startswith(
        "other nodes collect kraken unsplit, this one is to do so in 2 parts: "
    )
    gone = [_lease("exchange/binance/1-of-2", left=0), _lease("exchange/binance/2-of-2", "")]
    assert waiting(["exchange/binance"], gone) == ""


def test_what_a_node_has_is_said_once_it_stays() -> None:
    words = HeldWords()
    assert words.after_round([]) == "", "it never had anything"
    assert words.after_round(PARTITIONS) == ""
    assert words.after_round(PARTITIONS) == "this node has 64 partitions (0-63)"
    assert words.after_round(PARTITIONS) == ""


def test_a_share_that_goes_one_by_one_is_one_line() -> None:
    words = HeldWords()
    rounds = [PARTITIONS, PARTITIONS, *(PARTITIONS[:most] for most in range(63, 31, -1)), PARTITIONS[:32], []]
    told = [line for held in rounds if (line := words.after_round(held))]
    assert told == ["this node has 64 partitions (0-63)", "this node has 32 partitions (0-31)"]
    assert words.after_round([]) == "this node has nothing"
