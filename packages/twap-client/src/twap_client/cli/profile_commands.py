"""Define the commands about profiles: profile list, profile add, profile use, profile remove."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from twap_client.cli import completion
from twap_client.cli.formats import Output, one_format
from twap_client.cli.running import Json

app = typer.Typer(no_args_is_help=True, help="Keep servers under names: `twap --profile NAME` uses one.")

NameArg = Annotated[
    str, typer.Argument(metavar="NAME", help="The profile's name.", autocompletion=completion.profiles)
]


@contextmanager
def _told() -> Iterator[None]:
    """Say what is wrong in one line, and end."""
    from twap_client.errors import InvalidSetting, UsageError

    try:
        yield
    except (UsageError, InvalidSetting) as error:
        sys.stderr.write(f"twap: {error}\n")
        raise typer.Exit(2) from None


@app.command("list")
def list_profiles(ctx: typer.Context, output: Output = None, as_json: Json = False) -> None:
    """List the profiles: which is in use, and who is signed in there."""
    from twap_client.cli import profile

    chosen = one_format(output, as_json=as_json or ctx.obj.as_json)
    with _told():
        profile.listing(chosen)


@app.command()
def add(
    *,
    name: NameArg,
    url: Annotated[str, typer.Argument(metavar="URL", help="The server, such as https://desk.example.")],
    use: Annotated[bool, typer.Option("--use", help="Use it from now on where none is named.")] = False,
) -> None:
    """Keep a server under a name; one that is there gets the new address."""
    from twap_client.cli import profile

    with _told():
        profile.add(name, url, use=use)


@app.command()
def use(
    *,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The profile's name.", autocompletion=completion.profiles),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Use none.")] = False,
) -> None:
    """Use a profile from now on, where no server and no profile is named."""
    from twap_client.cli import profile

    if none == (name is not None):
        raise typer.BadParameter("expected one of them: a profile, or --none", param_hint="NAME, --none")
    with _told():
        profile.use(name)


@app.command()
def remove(*, name: NameArg) -> None:
    """Forget a profile, and its sign-in on this machine."""
    from twap_client.cli import profile

    with _told():
        profile.remove(name)
