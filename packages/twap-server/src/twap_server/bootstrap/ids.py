"""Make ids that sort by time, so that what is recorded together lies together in the database's indexes.

With ids that are all chance, each order of a commit would change an index page of its own.
"""

from collections.abc import Callable
from secrets import token_hex

from twap_server.domain.clock import MILLISECOND, Clock

_RANDOM_BYTES = 10


def ordered_ids(clock: Clock) -> Callable[[], str]:
    """Give what makes ids, unique for ever: 32 hexadecimal digits, milliseconds first and then chance."""

    def new_id() -> str:
        return f"{clock.now() // MILLISECOND:012x}{token_hex(_RANDOM_BYTES)}"

    return new_id
