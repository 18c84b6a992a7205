"""Define the commands about a working order: pause, resume, amend, cancel, events."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from typing import Annotated

import typer

from twap_client.cli import completion
from twap_client.cli.formats import Output, Relative, run_listing
from twap_client.cli.running import Json, TokenArg, none_empty, run

app = typer.Typer()


@app.command()
def pause(ctx: typer.Context, token: TokenArg, as_json: Json = False) -> None:
    """Pause an open order: nothing fills until you resume it; its end stays."""
    from twap_client.cli import changes

    run(ctx, as_json, lambda session: changes.pause(session, token))


@app.command()
def resume(ctx: typer.Context, token: TokenArg, as_json: Json = False) -> None:
    """Resume a paused order."""
    from twap_client.cli import changes

    run(ctx, as_json, lambda session: changes.resume(session, token))


@app.command()
def amend(
    ctx: typer.Context,
    *,
    token: TokenArg,
    quantity: Annotated[str | None, typer.Option(metavar="Q", help="The new total quantity.")] = None,
    limit: Annotated[str | None, typer.Option(metavar="PRICE", help="The new limit price.")] = None,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="Remove the limit price.")] = False,
    end: Annotated[
        str | None, typer.Option(metavar="T", help="The new end: local time, ISO 8601 or +15m.")
    ] = None,
    revision: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only if it is at this revision; absent: any."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change quantity, limit or end of an open order; what is done stays done."""
    from twap_client.cli import changes

    wanted = changes.AmendmentOptions(
        quantity=quantity, limit=limit, no_limit=no_limit, end=end, revision=revision
    )
    run(ctx, as_json, lambda session: changes.amend(session, token, wanted))


@app.command()
def cancel(
    ctx: typer.Context,
    *,
    tokens: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOKEN",
            help="Their token_ids.",
            callback=none_empty,
            autocompletion=completion.open_orders,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of your open orders.")] = False,
    last: Annotated[bool, typer.Option("--last", help="The newest of your open orders.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before --all.")] = False,
    as_json: Json = False,
) -> None:
    """Cancel open orders; what was filled stays filled."""
    from twap_client.cli.canceling import Cancellation

    cancellation = Cancellation(tokens or [], every=every, last=last, ask=not yes)
    run(ctx, as_json, cancellation.work, cancellation.prepare, cancellation)


@app.command()
def events(
    ctx: typer.Context,
    *,
    token: TokenArg,
    since: Annotated[int, typer.Option(metavar="N", min=0, help="Only events with a number above this.")] = 0,
    relative: Relative = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """List what happened to an order so far, oldest first."""
    from twap_client.cli import changes

    run_listing(
        ctx, as_json, output, lambda session: changes.events(session, token, since), relative=relative
    )
