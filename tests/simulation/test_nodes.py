"""Several nodes in one virtual time: seeds hold every invariant, and each of the nodes' own can fail."""

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from simulation.command import OF_NODES_REGRESSIONS, regressions, run_broken
from simulation.made import accepted, new_order, simulate
from simulation.nodes.owners import OWNERLESS_S, Owners, name_of, partition_of
from simulation.nodes.sabotage import SABOTAGE
from simulation.nodes.shared_disk import Leased, Owned, _in_sqlite
from simulation.violation import Violation
from simulation.world import Outcome
from twap_server.domain import ownership
from twap_server.domain.ownership import Lease
from twap_server.store.server_clock import NOW_SQL

HOURS, SEEDS = 0.3, range(1, 6)

NOTICED: dict[str, str] = {
    "epoch not checked": "N1",
    "works on after its deadline": "N2",
    "gaps of replicas not checked": "N3",
    "free leases are left alone": "N4",
}
"""What is broken, and the invariant that must notice it."""

USER = new_order().terms.user_id
NAME = name_of(USER)


@pytest.mark.long
def test_fixed_seeds_of_several_nodes_hold_every_invariant() -> None:
    found = simulate("--nodes", "--regressions", "--hours", "0.3", "--jobs", "2")
    print(found.stdout)
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"all {len(regressions(0.3, OF_NODES_REGRESSIONS))} seeds held every invariant" in found.stdout


@pytest.mark.long
def test_the_same_seed_gives_the_same_nodes() -> None:
    found = simulate("--nodes", "--seed", "4", "--hours", "0.15", "--repeat")
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_way_to_break_it_is_tried() -> None:
    assert NOTICED.keys() == SABOTAGE.keys()


@pytest.fixture(scope="module")
def broken() -> dict[str, Outcome]:
    """Each way to break it, run under one seed after the other until the right invariant notices it."""
    found: dict[str, Outcome] = {}
    for seed in SEEDS:
        left = [name for name, one in NOTICED.items() if name not in found or found[name].invariant != one]
        tried = run_broken([(name, seed) for name in left], hours=HOURS, jobs=2)
        found |= dict(zip(left, tried, strict=True))
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", NOTICED)
def test_a_broken_guard_between_nodes_is_noticed(name: str, broken: dict[str, Outcome]) -> None:
    assert broken[name].invariant == NOTICED[name], broken[name].violation


def taken(epoch: int, *, at: int = 0, ttl: int = 3) -> Leased:
    return Leased("take", "a", ttl, at, [Lease(NAME, epoch)])


def wrote(epoch: int, *, stored: int, name: str = NAME) -> Owned:
    return Owned([accepted(new_order())], Lease(name, epoch), "a", stored)


def test_an_honest_log_of_leases_is_taken_in() -> None:
    owners = Owners()
    owners.leased(taken(1), now=1)
    owners.wrote(wrote(1, stored=1))
    owners.leased(Leased("renew", "a", 3, 2, [Lease(NAME, 1)]), now=2)
    owners.leased(Leased("release", "a", 0, 3, [Lease(NAME, 1)]), now=3)
    owners.leased(taken(2, at=3), now=3)
    owners.wrote(wrote(2, stored=2))
    assert owners.taken_at(USER) == 3


@pytest.mark.parametrize(
    "doctored",
    [
        lambda owners: owners.wrote(wrote(1, stored=2)),
        lambda owners: owners.wrote(wrote(2, stored=2)),
        lambda owners: owners.wrote(wrote(0, stored=0)),
        lambda owners: owners.wrote(wrote(0, stored=0, name="partition/none")),
        lambda owners: owners.leased(taken(2, at=2), now=2),
        lambda owners: owners.leased(taken(1, at=9), now=9),
        lambda owners: owners.leased(taken(3, at=9), now=9),
        lambda owners: owners.leased(Leased("renew", "b", 3, 2, [Lease(NAME, 0)]), now=2),
    ],
)
def test_a_doctored_log_of_leases_is_not(doctored: Callable[[Owners], Any]) -> None:
    owners = Owners()
    owners.leased(taken(1), now=1)
    with pytest.raises(Violation) as found:
        doctored(owners)
    assert found.value.invariant == "N1"


def exchange(kind: str, name: str, epoch: int, *, at: int) -> Leased:
    return Leased(kind, "a", 3, at, [Lease(name, epoch)])


@pytest.mark.parametrize(
    ("told", "invariant"),
    [
        (exchange("take", "exchange/binance/2-of-2", 2, at=1), ""),
        (exchange("take", "exchange/binance/2-of-2", 1, at=1), "N5"),
        (exchange("take", "exchange/binance/1-of-2", 2, at=1), "N1"),
        (exchange("take", "exchange/binance/1-of-3", 2, at=1), "N5"),
        (exchange("take", "exchange/binance/1-of-3", 2, at=4), ""),
        (exchange("take", "exchange/binance", 2, at=1), "N5"),
        (exchange("take", "exchange/binance", 1, at=4), "N5"),
        (exchange("take", "exchange/kraken", 1, at=1), ""),
        (exchange("renew", "exchange/binance/1-of-2", 1, at=1), ""),
        (exchange("renew", "exchange/binance/1-of-2", 0, at=1), "N1"),
    ],
)
def test_two_divisions_of_an_exchange_are_noticed(told: Leased, invariant: str) -> None:
    owners = Owners()
    owners.leased(exchange("take", "exchange/binance/1-of-2", 1, at=0), now=0)
    with pytest.raises(Violation) if invariant else nullcontext() as found:
        owners.leased(told, now=1)
    assert not invariant or found.value.invariant == invariant


def node(*partitions: int, epoch: int = 1, woke_at: float = 0) -> Any:
    """An engine that is awake and works these partitions."""
    return SimpleNamespace(
        name="a",
        is_awake=True,
        woke_at=woke_at,
        well_from=0.0,
        engines=dict.fromkeys(partitions),
        owning={one: Lease(f"partition/{one}", epoch) for one in partitions},
    )


@pytest.mark.parametrize(
    ("nodes", "well_from", "is_noticed"),
    [
        ([node()], 0.0, True),
        ([node(partition_of(USER))], 0.0, False),
        ([node(partition_of(USER) + 1)], 0.0, True),
        ([node()], 2.0, False),
        ([node(woke_at=2)], 0.0, False),
        ([], 0.0, False),
    ],
)
def test_an_order_without_an_owner_is_noticed(nodes: list[Any], well_from: float, is_noticed: bool) -> None:
    owners = Owners()
    owners.check_owned(nodes, [USER], now=0, well_from=0)
    with pytest.raises(Violation, match="N4") if is_noticed else nullcontext():
        owners.check_owned(nodes, [USER], now=OWNERLESS_S + 1, well_from=well_from)


@pytest.mark.parametrize(
    ("worker", "moment", "is_noticed"),
    [
        (node(partition_of(USER)), 2, False),
        (node(partition_of(USER)), 3, True),
        (node(partition_of(USER), epoch=0), 2, True),
        (node(partition_of(USER), woke_at=1), 3, False),
    ],
)
def test_who_works_without_a_lease_is_noticed(worker: Any, moment: int, is_noticed: bool) -> None:
    owners = Owners()
    owners.leased(taken(1), now=0)
    owners.check_working([worker], now=0, moment=moment)
    with pytest.raises(Violation, match="N2") if is_noticed else nullcontext():
        owners.check_working([worker], now=1, moment=moment)


def test_partitions_are_the_products_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "PARTITIONS", 16)
    assert all(partition_of(name) == ownership.partition_of(name) for name in ("ada", "bob", "eve", "ö"))


@pytest.mark.parametrize("strength", ["KEY SHARE", "UPDATE"])
def test_the_guard_of_postgresql_is_read_as_sqlite_reads_it(strength: str) -> None:
    found = _in_sqlite(f"SELECT {NOW_SQL} FROM leases WHERE name = $1 AND epoch = $2 FOR {strength}")
    assert found == "SELECT clock_timestamp() FROM leases WHERE name = ?1 AND epoch = ?2"
