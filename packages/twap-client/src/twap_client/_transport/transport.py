"""Sending: one attempt bounded in time, repeats of what is safe to repeat."""

import asyncio

from twap_client._backoff import Backoff
from twap_client._transport.calls import Answer, Call, httpx, read_answer
from twap_client._transport.sign_in import SignIn
from twap_client.config import ClientConfig
from twap_client.errors import ApiError, ConnectFailed, RateLimited, TransportError, Unavailable
from twap_models import exact_json


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
        """
        backoff = Backoff(self._config.retry_first, self._config.retry_cap)
        while True:
            try:
                return await self._once(call)
            except (TransportError, Unavailable, RateLimited) as error:
                pause = _pause(error, backoff.next_delay())
                given_up = backoff.attempts >= self._config.attempts
                too_long = pause > self._config.retry_cap.total_seconds()
                if given_up or too_long or not _may_repeat(call, error):
                    raise
            await asyncio.sleep(pause)

    async def _once(self, call: Call) -> Answer:
        with self.signed_in.translated():
            async with asyncio.timeout(self._config.request_timeout.total_seconds()):
                response = await self._exchange(call)
        return read_answer(response, call.lists, as_text=call.as_text)

    async def _exchange(self, call: Call) -> "httpx.Response":
        if not call.signed or self._config.api_key:
            return await self._post(call, {})
        token = await self.signed_in.access_token()
        response = await self._post(call, {"Authorization": f"Bearer {token}"})
        if response.status_code == 401:
            token = await self.signed_in.access_token(refused=token)
            response = await self._post(call, {"Authorization": f"Bearer {token}"})
        return response

    async def _post(self, call: Call, headers: dict[str, str]) -> "httpx.Response":
        content = None
        headers = dict(call.headers) | headers
        if call.body is not None:
            content = exact_json.dumps(call.body)
            headers = headers | {"Content-Type": "application/json"}
        response: httpx.Response = await self.signed_in.http.request(
            call.method,
            call.path,
            params=dict(call.params),
            content=content,
            headers=headers,
            withhold_token=True,
        )
        return response


def _pause(error: TransportError | ApiError, drawn: float) -> float:
    asked = error.retry_after if isinstance(error, ApiError) else None
    return drawn if asked is None else asked + drawn / 10


def _may_repeat(call: Call, error: TransportError | ApiError) -> bool:
    return call.repeatable or isinstance(error, ConnectFailed | RateLimited)
