"""Run one task in the background of a client, and cancel it once."""

import asyncio


class Background:
    """A task and whether it was told to stop.

    A second cancel would interrupt the closing of its socket. ``Task.cancelling`` cannot tell: a timeout
    inside the task that has just run out counts there too, and a task not told for that would never end.
    """

    def __init__(self, task: "asyncio.Task[None]") -> None:
        self.task = task
        self._is_told = False

    def stop(self) -> None:
        """Tell it to stop; any number of times."""
        if not self._is_told:
            self._is_told = True
            self.task.cancel()

    async def stopped(self) -> None:
        """Tell it to stop, and wait until it has."""
        self.stop()
        await asyncio.wait([self.task])
