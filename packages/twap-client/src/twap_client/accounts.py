"""Accounts: register, sign in and out, who am I; and invites, for administrators."""

from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter

from twap_client._transport import Call, SignIn, Transport, check_encodable, in_doubt, read_model
from twap_client.config import Tokens
from twap_models import AccessToken, Account, Credentials, Invite, NewInvite, SignInMethods
from twap_models.accounts import normal_password

_ACCOUNT = TypeAdapter(Account)
_INVITE, _INVITES = TypeAdapter(NewInvite), TypeAdapter(list[Invite])
_METHODS = TypeAdapter(SignInMethods)


class Accounts:
    """``client.accounts``."""

    def __init__(self, transport: Transport, sign_in: SignIn) -> None:
        self._transport = transport
        self._sign_in = sign_in

    async def register(self, username: str, password: str, *, invite: str | None = None) -> Account:
        """Create an account. Signing in is a second step.

        Args:
            username: what it shall be called.
            password: what shall sign in.
            invite: the code, where the server wants one: see ``methods``.

        Raises:
            ValueError: the name or password is outside its bounds (3 to 64 characters, 8 to 256).
            Unencodable: one of them is no text in UTF-8.
            NotPermitted: registration is closed, or needs an invite that counts.
            Conflict: the name is taken.
            RateLimited: too many accounts were made from this address today.
        """
        check_encodable(username=username, password=password, invite=invite or "")
        secret = SecretStr(normal_password(password))
        wanted = Credentials(username=username, password=secret, invite=invite)
        body = {"username": wanted.username, "password": wanted.password.get_secret_value()}
        if wanted.invite is not None:
            body["invite"] = wanted.invite
        call = Call(method="POST", path="/auth/register", body=body, signed=False)
        with in_doubt(f"the account {wanted.username!r} may exist: try to sign in"):
            return read_model(_ACCOUNT, await self._transport.send(call))

    async def login(self, username: str, password: str) -> AccessToken:
        """Sign in; every later call and stream of this client uses and renews the sign-in by itself.

        Raises:
            NotAuthenticated: the name or the password is wrong.
            Unencodable: one of them is no text in UTF-8.
        """
        return _as_answer(await self._sign_in.sign_in(username, password))

    async def logout(self) -> None:
        """End the sign-in on the server, then forget it here. Without one, nothing happens."""
        token = self._sign_in.refresh_token
        try:
            if token:
                body = {"refresh_token": token}
                await self._transport.send(
                    Call(method="POST", path="/auth/logout", body=body, repeatable=True)
                )
        finally:
            self._sign_in.sign_out()

    async def methods(self) -> SignInMethods:
        """Say who may register on this server, and what signs in beside a password."""
        call = Call(method="GET", path="/auth/methods", signed=False, repeatable=True)
        return read_model(_METHODS, await self._transport.send(call))

    async def invite(self, *, days: int = 7, note: str = "") -> NewInvite:
        """Make an invite, as an administrator: its code lets one account be made.

        Args:
            days: how long it can be used, 1 to 365.
            note: for whom, in your words.

        Raises:
            NotPermitted: you are no administrator, or came with an API key.
        """
        check_encodable(note=note)
        call = Call(method="POST", path="/auth/invites", body={"days": days, "note": note})
        with in_doubt("the invite may have been made: see invites()"):
            return read_model(_INVITE, await self._transport.send(call))

    async def invites(self) -> list[Invite]:
        """Give the invites that can be used, oldest first, as an administrator."""
        answer = await self._transport.send(Call(method="GET", path="/auth/invites", repeatable=True))
        return read_model(_INVITES, answer)

    async def withdraw_invite(self, invite_id: str) -> None:
        """Let an invite count no more, as an administrator.

        Raises:
            NotFound: no such invite waits to be used.
        """
        path = f"/auth/invites/{quote(invite_id, safe='')}"
        await self._transport.send(Call(method="DELETE", path=path))

    async def me(self) -> Account:
        """Give the account that is signed in.

        Raises:
            NotAuthenticated: nobody is.
        """
        answer = await self._transport.send(Call(method="GET", path="/auth/me", repeatable=True))
        return read_model(_ACCOUNT, answer)


def _as_answer(tokens: Tokens) -> AccessToken:
    return AccessToken(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in or 0,
        refresh_token=tokens.refresh_token,
    )
