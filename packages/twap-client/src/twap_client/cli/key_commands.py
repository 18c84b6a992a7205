"""Define the commands about API keys: keys create, keys list, keys revoke."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from typing import Annotated

import typer

from twap_client.cli.formats import Output, run_listing
from twap_client.cli.running import Json, run

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys, for scripts.")


@app.command()
def create(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for it.")],
    read_only: Annotated[bool, typer.Option("--read-only", help="The same as --scope read.")] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", metavar="SCOPE", help="read or trade: what it may do; may be repeated. Absent: both."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="T", help="When it ends: 30d, 12h, local time or ISO 8601. Absent: never."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an API key: its secret is printed this once, alone on standard output."""
    from twap_client.cli import keys

    if read_only and scope:
        raise typer.BadParameter("is said by --read-only already", param_hint="--scope")
    for other in set(scope or ()) - {"read", "trade"}:
        raise typer.BadParameter(f"expected read or trade, got {other!r}", param_hint="--scope")
    scopes = ["read"] if read_only else scope
    run(ctx, as_json, lambda session: keys.create(session, name, scopes, expires))


@app.command("list")
def list_keys(ctx: typer.Context, output: Output = None, as_json: Json = False) -> None:
    """List your API keys, oldest first."""
    from twap_client.cli import keys

    run_listing(ctx, as_json, output, keys.listing)


@app.command()
def revoke(
    ctx: typer.Context,
    *,
    key_id: Annotated[str | None, typer.Argument(metavar="ID", help="As `twap keys list` shows it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All of your keys.")] = False,
    as_json: Json = False,
) -> None:
    """Revoke an API key at once."""
    from twap_client.cli import keys

    if every == (key_id is not None):
        raise typer.BadParameter("expected one of them: the id of a key, or --all", param_hint="ID, --all")
    run(ctx, as_json, lambda session: keys.revoke(session, key_id))
