"""Define the commands of an administrator: invite, invites."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from typing import Annotated

import typer

from twap_client.cli.formats import Output, run_listing
from twap_client.cli.running import Json, run

app = typer.Typer()


@app.command()
def invite(
    ctx: typer.Context,
    *,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it can be used.")] = 7,
    note: Annotated[str, typer.Option(help="A note: whom it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Make an invite, as an administrator: its code lets one account be made."""
    from twap_client.cli import invites as work

    run(ctx, as_json, lambda session: work.invite(session, days, note))


@app.command()
def invites(
    ctx: typer.Context,
    *,
    withdraw: Annotated[str | None, typer.Option(metavar="ID", help="Revoke this one instead.")] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """List the invites that can be used, as an administrator, oldest first."""
    from twap_client.cli import invites as work

    if withdraw is not None:
        run_listing(ctx, as_json, output, lambda session: work.withdraw(session, withdraw))
    run_listing(ctx, as_json, output, work.invites)
