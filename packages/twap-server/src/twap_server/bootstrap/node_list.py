"""Say in lines which nodes share a database, and which leases each of them has. Pure."""

from collections.abc import Iterator, Sequence

from twap_server.domain.clock import span_text, to_text
from twap_server.domain.ownership import Node, Ownership, partition_of_lease

_GONE_AFTER = 3_000_000_000
_EXCHANGE = "exchange/"


def told_nodes(nodes: Sequence[Node], leases: Sequence[Ownership]) -> Iterator[str]:
    """A paragraph for each node, and what nobody owns."""
    if not nodes:
        yield "no node uses this database: start one with twap-server node --role …"
    for node in nodes:
        own = [one.lease.name for one in leases if one.node_id == node.node_id and one.left > 0]
        where = f" at {node.address}" if node.address else ""
        yield f"{node.node_id}  {', '.join(node.roles)} on {node.host}{where}"
        yield f"  version {node.version}, since {to_text(node.started)}, {_last_word(node)}"
        if own:
            yield f"  has {_listed(own)}"
        if node.remark:
            yield f"  {node.remark}"
    free = [one.lease.name for one in leases if one.left <= 0]
    if free:
        yield f"nobody has {_listed(free)}"


def _last_word(node: Node) -> str:
    if node.silence <= _GONE_AFTER:
        return "lives"
    return f"silent for {span_text(node.silence)}: it is gone, or cannot reach the database"


def _listed(names: Sequence[str]) -> str:
    exchanges = [name.removeprefix(_EXCHANGE) for name in names if name.startswith(_EXCHANGE)]
    partitions = sorted(partition_of_lease(name) for name in names if not name.startswith(_EXCHANGE))
    parts = [f"exchanges {', '.join(exchanges)}"] if exchanges else []
    if partitions:
        many = f"{len(partitions)} partitions" if len(partitions) > 1 else "1 partition"
        parts.append(f"{many} ({', '.join(_ranges(partitions))})")
    return " and ".join(parts)


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """``0-3, 7`` of 0, 1, 2, 3, 7."""
    first = last = numbers[0]
    for number in (*numbers[1:], -1):
        if number == last + 1:
            last = number
            continue
        yield f"{first}-{last}" if last > first else str(first)
        first = last = number
