"""Define the commands about tournaments: tournaments, tournament."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from pathlib import Path
from typing import Annotated

import typer

from twap_client.cli import completion
from twap_client.cli.formats import Output, Relative, run_listing
from twap_client.cli.running import Json, not_empty

app = typer.Typer()


@app.command()
def tournaments(
    ctx: typer.Context, *, relative: Relative = False, output: Output = None, as_json: Json = False
) -> None:
    """List the tournaments in the server's folder, newest first."""
    from twap_client.cli import tournaments as work

    run_listing(ctx, as_json, output, work.tournaments, relative=relative)


@app.command()
def tournament(
    ctx: typer.Context,
    *,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="As twap tournaments lists it.",
            callback=not_empty,
            autocompletion=completion.tournaments,
        ),
    ],
    runs: Annotated[bool, typer.Option("--runs", help="Its runs, too: at most 1,000 of them.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, allow_dash=True, help="Write its page; - is standard output."
        ),
    ] = None,
    run: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="With --html: the report of this run instead.")
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Show what each strategy of a tournament cost, and how sure a difference is (csv: its runs)."""
    from twap_client.cli import tournaments as work

    chosen = work.Chosen(runs=runs, html=html, run=run)
    run_listing(ctx, as_json, output, lambda session: work.tournament(session, name, chosen))
