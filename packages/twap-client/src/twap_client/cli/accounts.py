"""Carry out register, login, password, logout, whoami."""

import sys
import webbrowser
from functools import partial

import typer

from twap_client.cli import render
from twap_client.cli.credentials import CredentialFile
from twap_client.cli.session import FAILED, Session, SignInRefused
from twap_client.errors import NotAuthenticated, NotPermitted, TwapClientError
from twap_models import Account, RegistrationMode


async def register(session: Session, username: str, password: str, invite: str | None) -> int:
    """Create an account and sign in; an invite is asked for where the server wants one."""
    _see_that_it_can_be_kept(session)
    account = await _made(session, username, password, invite)
    try:
        await session.client.accounts.login(username, password)
    except TwapClientError:
        session.say(f"the account {account.username} was made: sign in with `twap login`")
        raise
    _welcome(session, account)
    return 0


async def login(session: Session, username: str, password: str) -> int:
    """Sign in; the tokens are kept by the client's store."""
    _see_that_it_can_be_kept(session)
    try:
        await session.client.accounts.login(username, password)
    except NotAuthenticated as error:
        raise SignInRefused(error.message) from error
    _welcome(session, await session.client.accounts.me())
    return 0


async def login_oidc(session: Session, *, no_browser: bool) -> int:
    """Sign in at the server's OpenID provider, here in a browser or anywhere with a code to paste."""
    _see_that_it_can_be_kept(session)
    accounts = session.client.accounts
    if not (await accounts.methods()).oidc:
        session.say(f"twap: {session.server} has no OpenID provider: sign in with `twap login`")
        return FAILED
    if no_browser:
        begun = accounts.begin_oidc()
        session.say(f"open this address in a browser, sign in, and paste the code it shows:\n{begun.url}")
        await accounts.finish_oidc(begun, typer.prompt("Code", err=True))
    else:
        await accounts.login_oidc(partial(_open, session))
    _welcome(session, await accounts.me())
    return 0


def _open(session: Session, url: str) -> None:
    session.say(f"sign in with your browser; if none opens, go to\n{url}")
    webbrowser.open(url)


async def password(session: Session, current: str, new: str, *, end_keys: bool) -> int:
    """Change the password, which ends every sign-in, and sign in anew here."""
    accounts = session.client.accounts
    account = await accounts.me()
    await accounts.change_password(current, new, end_keys=end_keys)
    try:
        await accounts.login(account.username, new)
    except TwapClientError:
        session.say("the password was changed: sign in with `twap login`")
        raise
    keys = " and API key" if end_keys else ""
    session.say(f"the password was changed, and every other sign-in{keys} has ended")
    session.show(account, lambda: render.account_line(account, session.server))
    return 0


async def logout(session: Session, *, everywhere: bool, keys: bool) -> int:
    """Sign out. The sign-in is forgotten here even if the server cannot be told, unless others are to end."""
    if everywhere:
        await session.client.accounts.end_sessions(keys=keys)
    else:
        await _log_out_here(session)
    if session.as_json:
        session.line({"signed_out": True})
    else:
        session.out.print(f"signed out of {session.server}{_where(everywhere, keys)}", markup=False)
    _tell_of_a_key(session)
    return 0


async def _log_out_here(session: Session) -> None:
    try:
        await session.client.accounts.logout()
    except TwapClientError as error:
        session.say(f"twap: the server was not told: {error}")


def _where(everywhere: bool, keys: bool) -> str:
    if not everywhere:
        return ""
    return " everywhere, and all API keys have ended" if keys else " everywhere"


async def whoami(session: Session) -> int:
    """Show the account."""
    account = await session.client.accounts.me()
    session.show(account, lambda: render.account_line(account, session.server))
    return 0


async def _made(session: Session, username: str, password: str, invite: str | None) -> Account:
    accounts = session.client.accounts
    try:
        return await accounts.register(username, password, invite=invite)
    except NotPermitted:
        wants_one = (await accounts.methods()).registration == RegistrationMode.INVITE
        if invite is None and wants_one and not sys.stdin.isatty():
            session.say("an invite is given with --invite CODE")
        if invite is not None or not wants_one or not sys.stdin.isatty():
            raise
    asked = typer.prompt("Invite", err=True)
    return await accounts.register(username, password, invite=asked)


def _see_that_it_can_be_kept(session: Session) -> None:
    if session.client.config.api_key is None:
        CredentialFile(session.server).prepare()


def _tell_of_a_key(session: Session) -> None:
    if session.client.config.api_key is not None:
        session.say(
            "TWAP_API_KEY is set: every command uses that key, and no sign-in is kept; unset it to use one"
        )


def _welcome(session: Session, account: Account) -> None:
    session.show(account, lambda: render.account_line(account, session.server))
    _tell_of_a_key(session)
