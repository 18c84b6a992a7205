"""What the engine answers to a submission, one per request."""

from dataclasses import dataclass
from enum import Enum, auto

from twap_server.domain.order import Order


class VerdictKind(Enum):
    """Whether the order is new, was here before, or its token id belongs to another order."""

    NEW = auto()
    REPEAT = auto()
    CONFLICT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The order (accepted or rejected) and how it relates to earlier ones."""

    order: Order
    kind: VerdictKind
