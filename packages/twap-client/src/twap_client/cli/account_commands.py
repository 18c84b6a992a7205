"""Define the commands about an account: register, login, password, logout, whoami."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from typing import Annotated

import typer

from twap_client.cli import passwords
from twap_client.cli.running import Json, run

app = typer.Typer()

Username = Annotated[
    str | None, typer.Option("--username", "-u", help="Or TWAP_USERNAME; asked for when absent.")
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        "-p",
        help="Other users of this machine can read it in the list of processes: better is "
        "--password-stdin, TWAP_PASSWORD, or to be asked.",
    ),
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")
]


@app.command()
def register(
    ctx: typer.Context,
    *,
    username: Username = None,
    password: Password = None,
    password_stdin: FromStdin = False,
    invite: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Invite code; asked for when it is needed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create an account and sign in."""
    from twap_client.cli import accounts

    name = passwords.username(username, from_stdin=password_stdin)
    secret = passwords.password(password, from_stdin=password_stdin, confirm=True)
    run(ctx, as_json, lambda session: accounts.register(session, name, secret, invite))


@app.command()
def login(
    ctx: typer.Context,
    *,
    username: Username = None,
    password: Password = None,
    password_stdin: FromStdin = False,
    oidc: Annotated[
        bool, typer.Option("--oidc", help="Sign in at the server's OpenID provider, in a browser.")
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="With --oidc: print the address, and ask for the code.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign in; kept in a file that only you can read."""
    from twap_client.cli import accounts

    if oidc and not (username or password or password_stdin):
        run(ctx, as_json, lambda session: accounts.login_oidc(session, no_browser=no_browser))
    if oidc or no_browser:
        raise typer.BadParameter("--oidc takes --no-browser alone", param_hint="--oidc")

    name = passwords.username(username, from_stdin=password_stdin)
    secret = passwords.password(password, from_stdin=password_stdin)
    run(ctx, as_json, lambda session: accounts.login(session, name, secret))


@app.command()
def password(
    ctx: typer.Context,
    *,
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read two lines of standard input: the current, the new one."),
    ] = False,
    end_keys: Annotated[bool, typer.Option("--end-keys", help="End all of your API keys, too.")] = False,
    as_json: Json = False,
) -> None:
    """Change your password: every sign-in ends, and this one begins anew."""
    from twap_client.cli import accounts

    current, new = passwords.change(from_stdin=password_stdin)
    run(ctx, as_json, lambda session: accounts.password(session, current, new, end_keys=end_keys))


@app.command()
def logout(
    ctx: typer.Context,
    *,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="End every sign-in of yours, on all machines.")
    ] = False,
    keys: Annotated[
        bool, typer.Option("--keys", help="With --everywhere: end all of your API keys, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign out and forget the sign-in."""
    from twap_client.cli import accounts

    if keys and not everywhere:
        raise typer.BadParameter("goes with --everywhere; keys alone end with `twap keys revoke --all`",
            param_hint="--keys")  # fmt: skip
    run(ctx, as_json, lambda session: accounts.logout(session, everywhere=everywhere, keys=keys))


@app.command()
def whoami(ctx: typer.Context, as_json: Json = False) -> None:
    """Show who is signed in."""
    from twap_client.cli import accounts

    run(ctx, as_json, accounts.whoami)
