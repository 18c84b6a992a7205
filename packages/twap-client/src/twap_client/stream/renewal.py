"""Renew the sign-in of an open connection before it ends, so that nothing is lost."""

import asyncio

from twap_client._connection import Connection
from twap_client._transport import SignIn
from twap_client.config import ClientConfig
from twap_client.errors import NotAuthenticated, TwapClientError
from twap_models.stream import Authenticate

_LEAD_S = 30.0
"""So long before its end a sign-in is renewed; of a short one, when half of it is over."""

_MARGIN_S = 1.0
"""What clocks and whole seconds may differ by: the token that is about to end must not pass for a new one."""


class Renewal:
    """The sign-in of one connection."""

    def __init__(self, connection: Connection, tokens: SignIn, config: ClientConfig) -> None:
        self._connection = connection
        self._tokens = tokens
        self._soonest = config.reconnect_first.total_seconds()
        self._answer_within_s = config.connect_timeout.total_seconds()
        self._answered = asyncio.Event()

    def acknowledge(self) -> None:
        """Take note that the server has accepted a token."""
        self._answered.set()

    async def run(self) -> None:
        """Renew each time before the end, until cancelled.

        What fails is tried again until the sign-in has ended. Then the server ends the connection, and what
        stands in the way of another surfaces at the reader.
        """
        is_told = True  # the server knows the newest token
        while (left := self._tokens.seconds_left()) is not None:
            lead = min(_LEAD_S, left / 2)
            await asyncio.sleep(max(left - lead, self._soonest) if is_told else self._soonest)
            try:
                await self._renew(lasting_s=lead + _MARGIN_S)
                is_told = True
            except NotAuthenticated:
                return
            except (TwapClientError, TimeoutError, OSError):
                is_told = False

    async def _renew(self, *, lasting_s: float) -> None:
        token = await self._tokens.access_token(lasting_s=lasting_s)
        self._answered.clear()
        await self._connection.send(Authenticate(token=token))
        async with asyncio.timeout(self._answer_within_s):
            await self._answered.wait()
