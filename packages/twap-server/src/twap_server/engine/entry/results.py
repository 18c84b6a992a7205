"""Describe the engine's answer to each submitted order."""

from dataclasses import dataclass
from enum import Enum, auto

from twap_server.domain.orders.order import Order


class SubmitResultKind(Enum):
    """Whether the order is new, was here before, its token id is another's, or nothing can be said now."""

    NEW = auto()
    REPEAT = auto()
    CONFLICT = auto()
    UNAVAILABLE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitResult:
    """The order (accepted or rejected) and how it relates to earlier ones."""

    order: Order
    kind: SubmitResultKind
