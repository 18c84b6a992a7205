"""Define the commands about what an order is proven by: verify."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from pathlib import Path
from typing import Annotated

import typer

from twap_client.cli.running import TokenArg, run

app = typer.Typer()


@app.command()
def verify(
    ctx: typer.Context,
    *,
    token: TokenArg,
    recording: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            help="The folder that the server keeps with start --record.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, help="Keep what the server says of the order, to verify it later."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="The server's settings file (TOML)."),
    ] = None,
) -> None:
    """Recompute an order's decisions and fills from a recording: equal, or the first difference.

    It needs twap-server in the same environment.
    Exit: 0 equal, 1 different, or the files are not what was written, 2 nothing can be recomputed.
    """
    from twap_client.cli import verifying

    run(
        ctx,
        False,
        lambda session: verifying.verify(session, token, recording=recording, save=save, config=config),
    )
