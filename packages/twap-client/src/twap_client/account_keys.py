"""API keys of an account."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import quote

from pydantic import TypeAdapter

from twap_client._transport import Call, Transport, check_encodable, in_doubt, read_model
from twap_client.order_fields import check_zones
from twap_models import ApiKey, NewApiKey, Scope
from twap_models.accounts import ApiKeyRequest

_KEYS = TypeAdapter(list[ApiKey])
_NEW_KEY = TypeAdapter(NewApiKey)


class AccountKeys:
    """The part of ``client.accounts`` about API keys."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create_key(
        self,
        name: str = "",
        *,
        scopes: Iterable[Scope | str] = tuple(Scope),
        expires: datetime | timedelta | str | None = None,
    ) -> NewApiKey:
        """Make an API key. Its ``key`` is given this once: keep it, nobody can show it again.

        Args:
            name: your own words for it, at most 64 characters.
            scopes: what it may do: ``read``, ``trade``, or both.
            expires: when it ends: a time, a length of time from now, or text such as ``+30d``; None: never.

        Raises:
            ValueError: a value is wrong (``NaiveTime``: a time without its zone).
            BadRequest: the end has passed, or the server allows no life so long.
            Conflict: the account has as many keys as it may.
            NotPermitted: the client works with an API key, which makes no others.
        """
        check_encodable(name=name)
        check_zones(expires=expires)
        ends = f"+{expires.total_seconds():f}" if isinstance(expires, timedelta) else expires
        wanted = ApiKeyRequest.model_validate({"name": name, "scopes": tuple(scopes), "expires": ends})
        body = wanted.model_dump(exclude_defaults=True)
        with in_doubt(
            "an API key may have been made whose secret nobody knows: list the keys, and revoke it"
        ):
            answer = await self._transport.send(Call(method="POST", path="/auth/keys", body=body))
            return read_model(_NEW_KEY, answer)

    async def list_keys(self) -> list[ApiKey]:
        """Give the API keys, oldest first; one that has expired is among them until another is made."""
        answer = await self._transport.send(Call(method="GET", path="/auth/keys", repeatable=True))
        return read_model(_KEYS, answer)

    async def revoke_key(self, key_id: str) -> None:
        """Let an API key count no more, from now on.

        Raises:
            NotFound: there is no such key.
        """
        check_encodable(key_id=key_id)
        with in_doubt("the API key may have been revoked"):
            path = f"/auth/keys/{quote(key_id, safe='')}"
            await self._transport.send(Call(method="DELETE", path=path))

    async def revoke_all_keys(self) -> None:
        """Let all API keys of the account count no more, from now on."""
        await self._transport.send(Call(method="DELETE", path="/auth/keys", repeatable=True))
