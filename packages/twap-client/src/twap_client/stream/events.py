"""Define what the stream says about itself, beside the server's messages."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from twap_models import BookMessage, KlineMessage, OrderEvent, TradeMessage
from twap_models.stream import StreamError as SubscriptionRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """There is no connection, or no longer: books shown so far are not current. The stream is reconnecting.

    Attributes:
        reason: why, in words.
    """

    reason: str
    type: Literal["disconnected"] = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected:
    """The connection is back, signed in and subscribed to everything wanted.

    Attributes:
        downtime: from the last message heard to now.
        attempts: how many connections were tried.
    """

    downtime: timedelta
    attempts: int
    type: Literal["reconnected"] = "reconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Messages are missing: fetch the state anew where it matters.

    Attributes:
        expected: the sequence number that should have come.
        got: the one that came; lower than ``expected`` when the server counts anew.
    """

    channel: str
    expected: int
    got: int
    type: Literal["gap"] = "gap"


StreamItem = (
    BookMessage
    | TradeMessage
    | KlineMessage
    | OrderEvent
    | SubscriptionRefused
    | Disconnected
    | Reconnected
    | Gap
)
"""Everything a stream yields; told apart by ``type`` or by class."""

__all__ = ["Disconnected", "Gap", "Reconnected", "StreamItem", "SubscriptionRefused"]
