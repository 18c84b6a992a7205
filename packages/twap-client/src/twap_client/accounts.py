"""Accounts: register, sign in and out, who am I; the password, API keys; invites, for administrators."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter

from twap_client._in_words import in_words
from twap_client._loopback import Loopback
from twap_client._transport import (
    Call,
    OidcLogin,
    SignIn,
    Timeout,
    Transport,
    begin,
    check_encodable,
    code_of,
    finish,
    in_doubt,
    read_model,
)
from twap_client.config import ClientConfig, Tokens
from twap_client.errors import NotAuthenticated
from twap_client.order_fields import check_zones
from twap_models import (
    AccessToken,
    Account,
    ApiKey,
    Credentials,
    Invite,
    NewApiKey,
    NewInvite,
    Scope,
    SignInMethods,
)
from twap_models.accounts import ApiKeyRequest, PasswordChange, normal_password

_ACCOUNT = TypeAdapter(Account)
_INVITE, _INVITES = TypeAdapter(NewInvite), TypeAdapter(list[Invite])
_METHODS = TypeAdapter(SignInMethods)
_KEYS, _NEW_KEY = TypeAdapter(list[ApiKey]), TypeAdapter(NewApiKey)


class Accounts:
    """``client.accounts``. Each call has ``timeout=``: how long all its attempts together may take."""

    def __init__(self, transport: Transport, sign_in: SignIn, config: ClientConfig) -> None:
        self._transport = transport
        self._sign_in = sign_in
        self._config = config

    async def register(
        self, username: str, password: str, *, invite: str | None = None, timeout: Timeout = None
    ) -> Account:
        """Create an account. Signing in is a second step.

        Args:
            username: what it shall be called.
            password: what shall sign in.
            invite: the code, where the server wants one: see ``methods``.

        Raises:
            InvalidValue: the name or password is outside its bounds (3 to 64 characters, 8 to 256).
            Unencodable: one of them is no text in UTF-8.
            NotPermitted: registration is closed, or needs an invite that counts.
            Conflict: the name is taken.
            RateLimited: too many accounts were made from this address today.
        """
        check_encodable(username=username, password=password, invite=invite or "")
        with in_words():
            secret = SecretStr(normal_password(password))
            wanted = Credentials(username=username, password=secret, invite=invite)
        body = {"username": wanted.username, "password": wanted.password.get_secret_value()}
        if wanted.invite is not None:
            body["invite"] = wanted.invite
        call = Call(method="POST", path="/auth/register", body=body, signed=False, timeout=timeout)
        with in_doubt(f"the account {wanted.username!r} may exist: try to sign in"):
            return read_model(_ACCOUNT, await self._transport.send(call))

    async def login(self, username: str, password: str, *, timeout: Timeout = None) -> AccessToken:
        """Sign in; every later call and stream of this client uses and renews the sign-in by itself.

        It takes the place of an API key and of another user that the client was made with.

        Raises:
            NotAuthenticated: the name or the password is wrong.
            Unencodable: one of them is no text in UTF-8.
        """
        return _as_answer(await self._sign_in.sign_in(username, password, timeout))

    def begin_oidc(self) -> OidcLogin:
        """Begin a sign-in at the server's OpenID provider: open its ``url``, give ``finish_oidc`` the code.

        For machines without a browser; ``login_oidc`` does both where there is one.
        """
        return begin(self._config.base_url)

    async def finish_oidc(self, login: OidcLogin, code: str, *, timeout: Timeout = None) -> AccessToken:
        """Sign in with the code that the browser showed; it counts once, for two minutes.

        Raises:
            NotAuthenticated: the code is not valid.
            NotFound: no OpenID provider signs in on this server.
        """
        self._sign_in.home.check()
        return _as_answer(await finish(self._sign_in, login, code, timeout))

    async def login_oidc(
        self,
        open_browser: Callable[[str], object],
        *,
        within: timedelta = timedelta(minutes=5),
        timeout: Timeout = None,
    ) -> AccessToken:
        """Sign in at the server's OpenID provider, with a browser on this machine.

        Args:
            open_browser: is given the address to open, such as ``webbrowser.open``.
            within: how long to wait for the browser to come back.
            timeout: how long the server may take after that.

        Raises:
            NotAuthenticated: nobody was signed in, or not in time.
            NotPermitted: the server does not let them in.
        """
        async with Loopback() as loopback:
            login = begin(self._config.base_url, redirect_uri=loopback.url, state=loopback.state)
            open_browser(login.url)
            try:
                async with asyncio.timeout(within.total_seconds()):
                    answer = await loopback.answer()
            except TimeoutError:
                raise NotAuthenticated(
                    "the browser did not come back in time", status=401, code="not_authenticated"
                ) from None
            return await self.finish_oidc(login, code_of(answer), timeout=timeout)

    async def logout(self, *, timeout: Timeout = None) -> None:
        """End the sign-in on the server, then forget it here. Without one, nothing happens."""
        token = self._sign_in.refresh_token
        try:
            if token:
                body = {"refresh_token": token}
                await self._transport.send(
                    Call(method="POST", path="/auth/logout", body=body, repeatable=True, timeout=timeout)
                )
        finally:
            self._sign_in.sign_out()

    async def methods(self, *, timeout: Timeout = None) -> SignInMethods:
        """Say who may register on this server, and what signs in beside a password."""
        call = Call(method="GET", path="/auth/methods", signed=False, repeatable=True, timeout=timeout)
        return read_model(_METHODS, await self._transport.send(call))

    async def invite(self, *, days: int = 7, note: str = "", timeout: Timeout = None) -> NewInvite:
        """Make an invite, as an administrator: its code lets one account be made.

        Args:
            days: how long it can be used, 1 to 365.
            note: for whom, in your words.

        Raises:
            NotPermitted: you are no administrator, or came with an API key.
        """
        check_encodable(note=note)
        call = Call(method="POST", path="/auth/invites", body={"days": days, "note": note}, timeout=timeout)
        with in_doubt("the invite may have been made: see invites()"):
            return read_model(_INVITE, await self._transport.send(call))

    async def invites(self, *, timeout: Timeout = None) -> list[Invite]:
        """Give the invites that can be used, oldest first, as an administrator."""
        answer = await self._transport.send(
            Call(method="GET", path="/auth/invites", repeatable=True, timeout=timeout)
        )
        return read_model(_INVITES, answer)

    async def withdraw_invite(self, invite_id: str, *, timeout: Timeout = None) -> None:
        """Let an invite count no more, as an administrator.

        Raises:
            NotFound: no such invite waits to be used.
        """
        path = f"/auth/invites/{quote(invite_id, safe='')}"
        await self._transport.send(Call(method="DELETE", path=path, timeout=timeout))

    async def me(self, *, timeout: Timeout = None) -> Account:
        """Give the account that is signed in.

        Raises:
            NotAuthenticated: nobody is.
        """
        answer = await self._transport.send(
            Call(method="GET", path="/auth/me", repeatable=True, timeout=timeout)
        )
        return read_model(_ACCOUNT, answer)

    async def change_password(
        self, current: str, new: str, *, end_keys: bool = False, timeout: Timeout = None
    ) -> None:
        """Replace the password; all sign-ins of the account end, this client's too: sign in again.

        Args:
            current: the password there is.
            new: 8 to 256 characters.
            end_keys: whether all API keys end, too.

        Raises:
            InvalidValue: the new one is outside its bounds.
            Unencodable: one of them is no text in UTF-8.
            BadRequest: ``current`` is not the password.
            NotPermitted: the client works with an API key.
        """
        check_encodable(current_password=current, new_password=new)
        with in_words():
            change = PasswordChange(current_password=SecretStr(current), new_password=SecretStr(new))
        body: dict[str, Any] = {
            "current_password": change.current_password.get_secret_value(),
            "new_password": change.new_password.get_secret_value(),
        }
        call = Call(
            method="POST",
            path="/auth/password",
            body=body | ({"end_keys": True} if end_keys else {}),
            timeout=timeout,
        )
        with in_doubt("the password may be the new one already: try to sign in with it"):
            await self._transport.send(call)
        self._sign_in.sign_out()

    async def end_sessions(self, *, keys: bool = False, timeout: Timeout = None) -> None:
        """End all sign-ins of the account, wherever they are, this client's too; with ``keys`` API keys too.

        Raises:
            NotAuthenticated: nobody is signed in.
            NotPermitted: the client works with an API key.
        """
        params = {"keys": "true"} if keys else {}
        with in_doubt("all sign-ins may have ended"):
            await self._transport.send(
                Call(method="DELETE", path="/auth/sessions", params=params, timeout=timeout)
            )
        self._sign_in.sign_out()

    async def create_key(
        self,
        name: str = "",
        *,
        scopes: Iterable[Scope | str] = tuple(Scope),
        expires: datetime | timedelta | str | None = None,
        timeout: Timeout = None,
    ) -> NewApiKey:
        """Make an API key. Its ``key`` is given this once: keep it, nobody can show it again.

        Args:
            name: your own words for it, at most 64 characters.
            scopes: what it may do: ``read``, ``trade``, or both.
            expires: when it ends: a time, a length of time from now, or text such as ``+30d``; None: never.

        Raises:
            InvalidValue: a value is wrong.
            NaiveTime: a time has no zone.
            BadRequest: the end has passed, or the server allows no life so long.
            Conflict: the account has as many keys as it may.
            NotPermitted: the client works with an API key, which makes no others.
        """
        check_encodable(name=name)
        check_zones(expires=expires)
        ends = f"+{expires.total_seconds():f}" if isinstance(expires, timedelta) else expires
        # Text alone would be walked letter by letter.
        several = (scopes,) if isinstance(scopes, str) else tuple(scopes)
        with in_words():
            wanted = ApiKeyRequest.model_validate({"name": name, "scopes": several, "expires": ends})
        body = wanted.model_dump(exclude_defaults=True)
        with in_doubt(
            "an API key may have been made whose secret nobody knows: list the keys, and revoke it"
        ):
            answer = await self._transport.send(
                Call(method="POST", path="/auth/keys", body=body, timeout=timeout)
            )
            return read_model(_NEW_KEY, answer)

    async def list_keys(self, *, timeout: Timeout = None) -> list[ApiKey]:
        """Give the API keys, oldest first; one that has expired is among them until another is made."""
        answer = await self._transport.send(
            Call(method="GET", path="/auth/keys", repeatable=True, timeout=timeout)
        )
        return read_model(_KEYS, answer)

    async def revoke_key(self, key_id: str, *, timeout: Timeout = None) -> None:
        """Let an API key count no more, from now on.

        Raises:
            NotFound: there is no such key.
        """
        check_encodable(key_id=key_id)
        with in_doubt("the API key may have been revoked"):
            path = f"/auth/keys/{quote(key_id, safe='')}"
            await self._transport.send(Call(method="DELETE", path=path, timeout=timeout))

    async def revoke_all_keys(self, *, timeout: Timeout = None) -> None:
        """Let all API keys of the account count no more, from now on."""
        await self._transport.send(Call(method="DELETE", path="/auth/keys", repeatable=True, timeout=timeout))


def _as_answer(tokens: Tokens) -> AccessToken:
    return AccessToken(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in or 0,
        refresh_token=tokens.refresh_token,
    )
