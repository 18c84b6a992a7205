"""Delete sign-ins that have ended: each leaves a row, and one more for each of its renewals.

What may go is what nobody can use any more: tokens past their expiry, and those of a sign-in that was ended.
Until its expiry a used token stays, for who comes with it a second time has stolen it.
"""

import logging
from datetime import timedelta

from twap_server.api.auth.accounts_port import SignIns
from twap_server.domain.clock import Clock, Nanos, to_span
from twap_server.domain.errors import TwapError

log = logging.getLogger(__name__)

FIRST_AFTER_S = 60.0
"""Of a start, which has other work."""
FORGET_EVERY_S = 3_600.0
_KEPT_LONGER = timedelta(hours=1)
"""Than the last access token that a refresh token may have got at its end."""


async def forget_ended(sign_ins: SignIns, clock: Clock, *, access_lifetime: timedelta) -> None:
    """Do it each hour, until cancelled; what cannot be forgotten now is forgotten later."""
    kept = to_span(access_lifetime + _KEPT_LONGER)
    await clock.sleep(FIRST_AFTER_S)
    while True:
        try:
            await _forget(sign_ins, clock.now(), kept)
        except TwapError as error:
            log.warning("ended sign-ins could not be deleted, trying again: %s", error)
        await clock.sleep(FORGET_EVERY_S)


async def _forget(sign_ins: SignIns, now: Nanos, kept: int) -> None:
    after = await sign_ins.forget_ended(now, kept=kept)
    while after is not None:
        after = await sign_ins.forget_ended(now, kept=kept, after=after)
