"""Define ``twap-server user`` and ``invite``, for the machine of the server, which may be running."""

import getpass
import sys
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twap_server.cli.running import fail, remark, run, say
from twap_server.domain.errors import TwapError

if TYPE_CHECKING:
    from twap_server.bootstrap.account_commands import AccountCommands

app = typer.Typer(no_args_is_help=True, help="Make and list accounts, replace passwords.")

_LONGEST_LINE = 4_096
NameArg = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
ConfigOption = Annotated[Path | None, typer.Option(help="Settings file (TOML).")]
DatabaseOption = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or postgresql://…; absent: as for start.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, its first line.")
]


@app.command("add")
def add_user(
    name: NameArg,
    admin: Annotated[bool, typer.Option("--admin", help="May invite others.")] = False,
    password_stdin: FromStdin = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make an account, whoever may register."""
    password = _password(password_stdin)
    _do(config, database, lambda accounts: accounts.add(name, password, is_admin=admin), making=True)


@app.command("list")
def list_users(config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """List the accounts: name, when it was made, remarks."""

    async def lines(accounts: "AccountCommands") -> str:
        return "\n".join(await accounts.list())

    _do(config, database, lines)


@app.command("password")
def change_password(
    name: NameArg,
    end_keys: Annotated[bool, typer.Option("--end-keys", help="End the user's API keys too.")] = False,
    password_stdin: FromStdin = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Replace a password and end all of the user's sign-ins."""
    password = _password(password_stdin)
    _do(config, database, lambda accounts: accounts.change_password(name, password, keys=end_keys))


@app.command("link")
def link_user(
    name: NameArg,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The user's subject at the provider.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Let somebody of the OpenID provider (api.oidc.issuer) use an account that exists."""
    _do(config, database, lambda accounts: accounts.link(name, subject))


def invite(
    days: Annotated[int, typer.Option(help="How long it can be used, 1 to 365.")] = 7,
    note: Annotated[str, typer.Option(help="A note: whom it is for.")] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make an invite and print its code, which lets one account be made."""
    _do(config, database, lambda accounts: accounts.invite(days=days, note=note), making=True)
    remark(f"it makes one account within {days} days: twap register --invite CODE")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        try:
            return sys.stdin.readline(_LONGEST_LINE).removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise typer.BadParameter(
                "holds no text in this terminal's encoding", param_hint="standard input"
            ) from None
    with warnings.catch_warnings():  # where what is typed would be seen, nobody is asked
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
        except getpass.GetPassWarning:
            typer.echo(err=True)
            fail("there is no terminal to ask for the password at: give it with --password-stdin", code=2)


def _do(
    config: Path | None,
    database: str | None,
    work: "Callable[[AccountCommands], Awaitable[str]]",
    *,
    making: bool = False,
) -> None:
    """Do it in the database; ``making``: one that is not there is made."""
    from twap_server import settings  # noqa: PLC0415 - keeps --help fast
    from twap_server.bootstrap.account_commands import AccountCommands  # noqa: PLC0415

    try:
        loaded = settings.load(file=config, flags={"database": database} if database else {})
    except TwapError as error:
        fail(str(error), code=2)

    async def all_of_it() -> None:
        async with AccountCommands.opened(loaded, making=making) as accounts:
            told = await work(accounts)
            if accounts.new_file:
                remark(f"a new database was made: {accounts.new_file}")
        if told:
            say(told)

    run(all_of_it())
