"""Sign-ins of one user, renewed."""

from support.stores.kinds import AccountStore
from twap_server.domain.accounts import RotationResult
from twap_server.domain.clock import SECOND, Nanos

DAY = 86_400 * SECOND


START = Nanos(1_790_000_000 * SECOND)


END = Nanos(START + 30 * DAY)


def later(seconds: int) -> Nanos:
    return Nanos(START + seconds * SECOND)


async def rotate(session: AccountStore, token: str, new: str, now: Nanos) -> RotationResult:
    return await session.sign_ins.rotate_refresh(token, new, now, race_window=Nanos(10 * SECOND))
