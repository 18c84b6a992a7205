"""What the log says of leases: a line for a change, not for each lease."""

from twap_server.cluster.lease_words import HeldWords, listed

PARTITIONS = [f"partition/{number}" for number in range(64)]


def test_leases_are_listed_shortly() -> None:
    assert listed(["exchange/binance", "partition/7", "partition/0", "partition/1"]) == (
        "exchange binance and 3 partitions (0-1, 7)"
    )
    assert listed(["exchange/kraken", "exchange/okx"]) == "exchanges kraken, okx"
    assert listed([]) == "nothing"


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
