"""Checks who may write and who works: a model of the leases, fed by the database's own log.

N1: every write carries the epoch that its partition has in the database at that moment, and epochs are taken
one after another. N2: who works a partition has its lease. N4: no partition with open orders is without an
owner for long. N5: leases of one division of an exchange are held at a time, and each taking of one has an
epoch above all of that exchange. It asks neither the guard nor the keepers of leases.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import md5

from simulation.nodes.node import SimNode
from simulation.nodes.shared_disk import Leased, Owned
from simulation.violation import Violation
from twap_server.domain.ownership import Lease

PARTITIONS = 16
"""Instead of 64: most of them would be empty, and each costs a turn a second."""
_GRACE_S = 0.5
"""So long after its lease ended a node that is awake may not have seen it."""
OWNERLESS_S = 3.0 + 5.0
"""A lease, and what it takes to be taken up again."""


@dataclass(slots=True)
class Row:
    """A lease as the log has it."""

    epoch: int = 0
    until: int = 0
    taken_at: float = 0.0


class Owners:
    """See the module."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, Row] = defaultdict(Row)
        self.done: Counter[str] = Counter()
        self._wrong_since: dict[tuple[str, int, int], float] = {}
        self._ownerless_since: dict[int, float] = {}
        self._divisions: dict[str, str] = {}
        """Of each exchange, that whose lease was taken last."""

    def leased(self, told: Leased, *, now: float) -> None:
        """Leases were changed, at this moment of the loop."""
        for one in told.leases:
            row = self.rows[one.name]
            if told.kind != "release":
                self._check_division(told, one)
            if told.kind != "take":
                if one.epoch != row.epoch:
                    raise Violation("N1", f"{told.node}: {told.kind} of {one}, the epoch is {row.epoch}")
            elif one.name.startswith("exchange/"):
                self._check_taken_exchange(told, one)
                row.epoch, row.taken_at = one.epoch, now
                self.done["leases taken"] += 1
            elif one.epoch != row.epoch + 1 or row.until > told.at:
                raise Violation("N1", f"{told.node} took {one}, the epoch was {row.epoch} until {row.until}")
            else:
                row.epoch, row.taken_at = one.epoch, now
                self.done["leases taken"] += 1
            row.until = told.until if told.kind != "release" else 0

    def _check_division(self, told: Leased, one: Lease) -> None:
        for name in self._of_exchange(one.name):
            if division_of(name) != division_of(one.name) and self.rows[name].until > told.at:
                raise Violation("N5", f"{told.node}: {told.kind} of {one}, while {name} is held")

    def _check_taken_exchange(self, told: Leased, one: Lease) -> None:
        highest = max(self.rows[name].epoch for name in self._of_exchange(one.name))
        if self.rows[one.name].until > told.at:
            raise Violation("N1", f"{told.node} took {one}, which was held")
        if one.epoch <= highest:
            raise Violation("N5", f"{told.node} took {one}, the exchange had epoch {highest}")
        self.done["divisions changed"] += self._divisions.get(_exchange_of(one.name)) != division_of(one.name)
        self._divisions[_exchange_of(one.name)] = division_of(one.name)

    def _of_exchange(self, name: str) -> list[str]:
        """All leases of the same exchange; none of what is not for an exchange."""
        is_one = name.startswith("exchange/")
        return [one for one in self.rows if is_one and _exchange_of(one) == _exchange_of(name)]

    def wrote(self, told: Owned) -> None:
        """Orders were written."""
        name, epoch = told.lease.name, self.rows[told.lease.name].epoch
        self.done["guarded writes"] += 1
        if not told.lease.epoch == told.stored_epoch == epoch:
            raise Violation(
                "N1",
                f"{told.node} wrote with epoch {told.lease.epoch} of {name}, "
                f"the database has {told.stored_epoch}, the log {epoch}",
            )
        for write in told.writes:
            if name_of(write.order.terms.user_id) != name:
                raise Violation("N1", f"{told.node} wrote {write.order.terms.token_id} with {name}")

    def taken_at(self, user_id: str) -> float:
        """When the partition of a user was taken last (loop seconds)."""
        return self.rows[name_of(user_id)].taken_at

    def check_working(self, nodes: Iterable[SimNode], *, now: float, moment: int) -> None:
        """N2; ``moment``: by the database's clock."""
        wrong: dict[tuple[str, int, int], float] = {}
        for node in nodes:
            if not node.is_awake:
                continue
            for partition in node.engines:
                lease = node.owning[partition]
                row = self.rows[lease.name]
                if row.epoch == lease.epoch and row.until > moment:
                    continue
                key = (node.name, partition, lease.epoch)
                wrong[key] = max(node.woke_at, self._wrong_since.get(key, now))
                if now - wrong[key] > _GRACE_S:
                    raise Violation(
                        "N2",
                        f"{node.name} works {lease} for {now - wrong[key]:.1f} s without it: "
                        f"the epoch is {row.epoch}, it lasts for {(row.until - moment) / 1e9:.1f} s",
                    )
        self._wrong_since = wrong

    def check_owned(
        self, nodes: Collection[SimNode], users: Iterable[str], *, now: float, well_from: float
    ) -> None:
        """N4; ``users``: those with open orders; ``well_from``: since when the database is well."""
        worked = {at for node in nodes if node.is_awake for at in node.engines}
        able = [max(node.woke_at, node.well_from) for node in nodes if node.is_awake]
        before, self._ownerless_since = self._ownerless_since, {}
        for partition in {partition_of(user_id) for user_id in users} - worked:
            since = self._ownerless_since[partition] = before.get(partition, now)
            left = now - max(since, well_from, min(able, default=now))
            if left > OWNERLESS_S:
                raise Violation("N4", f"nobody works partition {partition} for {left:.1f} s")


def division_of(name: str) -> str:
    """Into how many parts an exchange is divided where a lease has that name."""
    return name.rpartition("-of-")[2] if "-of-" in name else "1"


def _exchange_of(name: str) -> str:
    return name.split("/")[1] if name.startswith("exchange/") else ""


def partition_of(user_id: str) -> int:
    """The partition of a user."""
    return int(md5(user_id.encode(), usedforsecurity=False).hexdigest()[:2], 16) % PARTITIONS


def name_of(user_id: str) -> str:
    """The lease of a user's partition."""
    return f"partition/{partition_of(user_id)}"
