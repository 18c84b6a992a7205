"""Write the revision of an order's plan as an entity tag (RFC 9110), which amendments name.

It rises with each amendment and with nothing else, so slices that fill meanwhile do not get in the way.
"""

import re

from twap_server.domain.errors import InvalidRequest, RevisionMissing
from twap_server.domain.orders.order import Order

_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"|([0-9]{1,9})', re.ASCII)
ANY = "*"


def write_revision(order: Order) -> str:
    """The entity tag of the order's plan."""
    return f'"{order.plan.revision}"'


def read_revision(if_match: str | None) -> int | None:
    """The revision that ``If-Match`` names; None for ``*``.

    Raises:
        RevisionMissing: there is no such header.
        InvalidRequest: it is no revision.
    """
    if if_match is None:
        raise RevisionMissing(
            "expected an If-Match header with the order's revision (its ETag), so that no other change is "
            "overwritten unseen; If-Match: * takes any"
        )
    text = if_match.strip()
    found = _TAG.fullmatch(text)
    if text != ANY and found is None:
        raise InvalidRequest(f'expected a revision such as "1", or *, got {text[:40]!r}', field="If-Match")
    return None if found is None else int(found[1] or found[2])
