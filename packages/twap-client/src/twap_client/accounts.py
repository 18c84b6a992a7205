"""Accounts: register, sign in and out, who am I."""

from pydantic import SecretStr, TypeAdapter

from twap_client._transport import Call, SignIn, Transport, check_encodable, in_doubt, read_model
from twap_client.config import Tokens
from twap_models import AccessToken, Account, Credentials
from twap_models.accounts import normal_password

_ACCOUNT = TypeAdapter(Account)


class Accounts:
    """``client.accounts``."""

    def __init__(self, transport: Transport, sign_in: SignIn) -> None:
        self._transport = transport
        self._sign_in = sign_in

    async def register(self, username: str, password: str) -> Account:
        """Create an account. Signing in is a second step.

        Raises:
            ValueError: the name or password is outside its bounds (3 to 64 characters, 8 to 256).
            Unencodable: one of them is no text in UTF-8.
            Conflict: the name is taken.
        """
        check_encodable(username=username, password=password)
        wanted = Credentials(username=username, password=SecretStr(normal_password(password)))
        body = {"username": wanted.username, "password": wanted.password.get_secret_value()}
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
