"""Read the live feed: an async iterator that survives lost connections."""

from twap_client.stream.events import Disconnected, Gap, Reconnected, StreamItem, SubscriptionRefused
from twap_client.stream.twap_stream import TwapStream

__all__ = ["Disconnected", "Gap", "Reconnected", "StreamItem", "SubscriptionRefused", "TwapStream"]
