"""What ``twap-server nodes`` says."""

from twap_server.bootstrap.node_list import told_nodes
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.ownership import (
    TAKES_PARTS,
    Lease,
    Node,
    Ownership,
    lease_of_exchange,
    lease_of_partition,
)


def node(node_id: str, role: str, *, silence: int = 0, remark: str = "") -> Node:
    return Node(
        node_id=node_id,
        host="here",
        roles=(role, TAKES_PARTS) if role == "collector" else (role,),
        version="0.1.0",
        started=Nanos(1_700_000_000 * SECOND),
        address="http://127.0.0.1:8102" if role == "engine" else "",
        remark=remark,
        silence=silence,
    )


def owned(name: str, node_id: str, left: int = SECOND) -> Ownership:
    return Ownership(lease=Lease(name, 3), node_id=node_id, left=left)


def test_each_node_has_what_it_owns_and_what_nobody_owns_is_last() -> None:
    nodes = [node("aa", "engine"), node("bb", "collector", silence=90 * SECOND, remark="its clock is off")]
    leases = [
        *(owned(lease_of_partition(number), "aa") for number in (0, 1, 2, 7)),
        owned(lease_of_partition(63), "bb", left=-1),
        owned(lease_of_exchange("binance"), "bb"),
        owned(lease_of_exchange("kraken"), "", left=0),
    ]
    assert list(told_nodes(nodes, leases)) == [
        "aa  engine on here at http://127.0.0.1:8102",
        "  version 0.1.0, since 2023-11-14T22:13:20Z, lives",
        "  has 4 partitions (0-2, 7)",
        "bb  collector on here",
        "  version 0.1.0, since 2023-11-14T22:13:20Z, "
        "silent for 1 min 30 s: it is gone, or cannot reach the database",
        "  has exchange binance",
        "  its clock is off",
        "nobody has exchange kraken and 1 partition (63)",
    ]


def test_without_nodes_it_says_how_to_start_one() -> None:
    (line,) = told_nodes([], [])
    assert "twap-server node --role" in line


def test_parts_are_shown_as_exchanges_and_divisions_of_before_are_not() -> None:
    nodes = [node("aa", "collector"), node("bb", "collector", remark="it waits")]
    leases = [
        owned("exchange/binance", "", left=SECOND),  # as long as a part of it is held
        owned("exchange/binance/1-of-2", "aa"),
        owned("exchange/binance/2-of-2", "", left=-5),
        Ownership(lease=Lease("exchange/binance/3-of-4", 1), node_id="bb", left=-9 * SECOND),
        Ownership(lease=Lease("exchange/kraken", 7), node_id="aa", left=SECOND),
        Ownership(lease=Lease("exchange/kraken/1-of-2", 6), node_id="", left=0),
    ]
    assert [line for line in told_nodes(nodes, leases) if "version" not in line] == [
        "aa  collector on here",
        "  has exchanges binance (part 1 of 2), kraken",
        "bb  collector on here",
        "  it waits",
        "nobody has exchange binance (part 2 of 2)",
    ]
