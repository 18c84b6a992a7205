"""Say in lines which nodes share a database, and which leases each of them has. Pure."""

from collections.abc import Iterator, Sequence

from twap_server.cluster.lease_words import listed
from twap_server.domain.clock import span_text, to_text
from twap_server.domain.ownership import TAKES_PARTS, Node, Ownership, of_present_divisions

_GONE_AFTER = 3_000_000_000


def told_nodes(nodes: Sequence[Node], leases: Sequence[Ownership]) -> Iterator[str]:
    """A paragraph for each node, and what nobody owns."""
    leases = of_present_divisions(leases)
    if not nodes:
        yield "no node uses this database: start one with twap-server node --role …"
    for node in nodes:
        own = [one.lease.name for one in leases if one.node_id == node.node_id and one.left > 0]
        where = f" at {node.address}" if node.address else ""
        roles = ", ".join(one for one in node.roles if one != TAKES_PARTS)
        yield f"{node.node_id}  {roles} on {node.host}{where}"
        yield f"  version {node.version}, since {to_text(node.started)}, {_last_word(node)}"
        if own:
            yield f"  has {listed(own)}"
        if node.remark:
            yield f"  {node.remark}"
    free = [one.lease.name for one in leases if one.left <= 0]
    if free:
        yield f"nobody has {listed(free)}"


def _last_word(node: Node) -> str:
    if node.silence <= _GONE_AFTER:
        return "lives"
    return f"silent for {span_text(node.silence)}: it is gone, or cannot reach the database"
