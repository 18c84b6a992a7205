"""All gateways behind one load balancer: what users take for the server."""

from collections.abc import Sequence
from random import Random
from typing import Any

from simulation.asgi import Reply, ServerGone, Stream
from simulation.clock import Shown, SimClock
from simulation.nodes.node import SimNode


class Front:
    """Gives each call to any gateway that is there."""

    def __init__(self, gateways: Sequence[SimNode], *, clock: SimClock, shown: Shown, seed: str) -> None:
        """Args: clock: the true time."""
        self.clock, self.shown = clock, shown
        self._gateways, self._rng = gateways, Random(f"{seed}:balancer")

    async def call(self, method: str, path: str, **given: Any) -> Reply:
        """As of a server."""
        return await self._any().call(method, path, **given)

    def stream(self, key: str, *, room: int) -> Stream:
        """As of a server."""
        return self._any().stream(key, room=room)

    def _any(self) -> SimNode:
        found = [one for one in self._gateways if one.is_up]
        if not found:
            raise ServerGone("refused")
        return self._rng.choice(found)
