"""Bind a client to the first event loop that uses it: its connections and locks belong to that loop."""

import asyncio

from twap_client.errors import WrongEventLoop


class HomeLoop:
    """Remembers the first loop, and lets no other in: there, connections would break or wait for ever."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_over(self) -> bool:
        """Whether that loop was closed, and every connection with it."""
        return self._loop is not None and self._loop.is_closed()

    def check(self) -> None:
        """Let the running loop in.

        Raises:
            WrongEventLoop: the client was used in another.
        """
        running = asyncio.get_running_loop()
        self._loop = self._loop or running
        if self._loop is not running:
            raise WrongEventLoop(
                "this client was used in another event loop, where its connections are: "
                "make one TwapClient inside each asyncio.run(...), and one in each thread with a loop"
            )
