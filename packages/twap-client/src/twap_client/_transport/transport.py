"""Send a request: each attempt has a time limit; what is safe to repeat is repeated."""

import asyncio

from twap_client._backoff import Backoff
from twap_client._transport.calls import Answer, Call, httpx, read_answer
from twap_client._transport.patience import Patience
from twap_client._transport.sign_in import SignIn
from twap_client.config import ClientConfig
from twap_client.errors import (
    ApiError,
    ConnectFailed,
    NotAuthenticated,
    RateLimited,
    TransportError,
    TwapClientError,
    Unavailable,
)
from twap_models import ErrorCode, exact_json

_NOTHING_DONE = (ErrorCode.BUSY, ErrorCode.EXCHANGE_UNAVAILABLE, ErrorCode.BOOK_UNAVAILABLE)
"""Codes of 5xx that are given before anything is done."""


class Transport:
    """The HTTP side of one client.

    Attributes:
        signed_in: the session and its tokens.
    """

    def __init__(self, config: ClientConfig, sign_in: SignIn) -> None:
        self._config = config
        self.signed_in = sign_in

    async def send(self, call: Call) -> Answer:
        """Send and give the answer; repeat after a passing failure when that is safe.

        Raises:
            ApiError: the server refused.
            TransportError: no answer.
            UsageError: the call's timeout is none.
            WrongEventLoop: the client was used in another event loop.
        """
        self.signed_in.home.check()
        patience = Patience(call, self._config)
        with patience.speaking():
            return await self._with_attempts(call, patience)

    async def _with_attempts(self, call: Call, patience: Patience) -> Answer:
        backoff = Backoff(self._config.retry_first, self._config.retry_cap)
        doubt = False
        while True:
            patience.attempts += 1
            try:
                return await self._once(call, patience)
            except TwapClientError as error:
                # Of several attempts each may have arrived, whatever became of the last.
                doubt = error.may_have_acted = doubt or error.may_have_acted
                pause = self._pause(call, error, backoff)
                if pause is None or patience.is_over_in(pause):
                    # Of all frames those of the caller matter.
                    raise patience.told(error).with_traceback(None) from error.__cause__
            await asyncio.sleep(pause)

    def _pause(self, call: Call, error: TwapClientError, backoff: Backoff) -> float | None:
        """Seconds before another attempt; None: there is none."""
        if not isinstance(error, TransportError | Unavailable | RateLimited):
            return None
        pause = _asked_for(error, backoff.next_delay())
        given_up = backoff.attempts >= self._config.attempts
        too_long = pause > self._config.retry_cap.total_seconds()
        return None if given_up or too_long or not _may_repeat(call, error) else pause

    async def _once(self, call: Call, patience: Patience) -> Answer:
        if self.signed_in.api_key:
            return await self._attempt(call, patience, {"X-API-Key": self.signed_in.api_key})
        if not call.signed:
            return await self._attempt(call, patience, {})
        token = await self._token(patience)
        try:
            return await self._attempt(call, patience, {"Authorization": f"Bearer {token}"})
        except NotAuthenticated:
            token = await self._token(patience, refused=token)
        return await self._attempt(call, patience, {"Authorization": f"Bearer {token}"})

    async def _token(self, patience: Patience, refused: str | None = None) -> str:
        with self.signed_in.translated(patience.seconds):
            async with asyncio.timeout(patience.left()):
                return await self.signed_in.access_token(refused)

    async def _attempt(self, call: Call, patience: Patience, headers: dict[str, str]) -> Answer:
        try:
            with self.signed_in.translated(patience.seconds):
                async with asyncio.timeout(patience.left()):
                    response = await self._post(call, patience, headers)
            return read_answer(response, call.lists, as_text=call.as_text)
        except TwapClientError as error:
            error.may_have_acted = _may_have_acted(error)
            raise

    async def _post(self, call: Call, patience: Patience, headers: dict[str, str]) -> "httpx.Response":
        content = None
        headers = dict(call.headers) | headers
        if call.body is not None:
            content = exact_json.dumps(call.body)
            headers = headers | {"Content-Type": "application/json"}
        return await self.signed_in.http.request(
            call.method,
            call.path,
            params=dict(call.params),
            content=content,
            headers=headers,
            timeout=httpx.Timeout(patience.left(), connect=self._config.connect_timeout.total_seconds()),
        )


def _may_have_acted(error: TwapClientError) -> bool:
    match error:
        case ConnectFailed():
            return False
        case ApiError():
            told = error.status < 400 or error.status >= 500  # a refusal is an answer: nothing was done
            return told and error.code not in _NOTHING_DONE
        case _:
            return True


def _asked_for(error: TransportError | ApiError, drawn: float) -> float:
    asked = error.retry_after if isinstance(error, ApiError) else None
    return drawn if asked is None else asked + drawn / 10


def _may_repeat(call: Call, error: TransportError | ApiError) -> bool:
    return call.repeatable or isinstance(error, ConnectFailed | RateLimited)
