"""Queue commands by user: a user's commands stay in order, and users take turns.

So one user's thousands of commands delay another's single one by no more than the group under way and its
own.
"""

from collections import deque
from typing import Any

from twap_server.domain.errors import EngineBusy
from twap_server.engine.commands.batches import Command
from twap_server.engine.ports import OrderKey


class CommandQueue:
    """Commands of all users that wait for their group."""

    def __init__(self, *, most: int, most_of_user: int) -> None:
        """Args: most: commands that may wait; most_of_user: of one user."""
        self._most, self._most_of_user = most, most_of_user
        self._of: dict[str, deque[Command[Any]]] = {}
        self._turns: deque[str] = deque()
        """Users with commands; whose turn is next comes first."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def refuse_above_most(self, user_id: str) -> None:
        """Say whether one more command of the user may wait.

        Raises:
            EngineBusy: too many of the user's own wait already, or of all users together.
        """
        if len(self._of.get(user_id, ())) >= self._most_of_user:
            raise EngineBusy(
                f"{self._most_of_user} of your own requests wait already: send the same again in a moment",
                retry_after=1,
            )
        if self._count >= self._most:
            raise EngineBusy(
                "the engine has more to do than it can take: try again in a moment", retry_after=1
            )

    def add(self, user_id: str, command: Command[Any]) -> None:
        """Let a command wait behind the user's own."""
        own = self._of.get(user_id)
        if own is None:
            own = self._of[user_id] = deque()
            self._turns.append(user_id)
        own.append(command)
        self._count += 1

    def take(self, *, most: int) -> list[Command[Any]]:
        """Take out the next group, one command of each user at a time.

        It names no order twice and at most ``most`` orders; a command that alone names more is a group of its
        own. Whoever had to wait for the next group comes first there.
        """
        group: list[Command[Any]] = []
        named: set[OrderKey] = set()
        held: list[str] = []
        while self._turns:
            user_id = self._turns.popleft()
            own = self._of[user_id]
            keys = own[0].keys
            if group and (len(named) + len(keys) > most or not named.isdisjoint(keys)):
                held.append(user_id)
                continue
            group.append(own.popleft())
            named |= keys
            if own:
                self._turns.append(user_id)
            else:
                del self._of[user_id]
        self._turns.extend(held)
        self._count -= len(group)
        return group
