"""Say what of the world a simulation replaces."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from twap_models.enums import MarketMode
from twap_models.health import DemoAccount
from twap_server.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What else of the world a simulation replaces, beside the clock and the event loop."""

    rng: random.Random = field(default_factory=random.Random)
    """Chance, for jitter only."""
    new_id: Callable[[], str] | None = None
    """Gives ids of orders, users, sign-ins and keys, unique for ever; None: ``ordered_ids``."""
    open_database: Callable[[str], AbstractAsyncContextManager[Database]] = Database.open
    market: MarketMode = MarketMode.LIVE
    """What the server says of its market."""
    demo: DemoAccount | None = None
    """The public account of a demo server."""
