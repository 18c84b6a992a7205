"""Define ``twap-server verify``: recompute an order from a recording."""

from pathlib import Path
from typing import Annotated

import typer

from twap_server.cli.running import say, told

_DIFFERENT = 1


def add_to(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(verify)


def verify(
    proof: Annotated[
        Path,
        typer.Argument(
            help="What GET /orders/TOKEN/proof answered, as `twap verify --save` writes it.",
            show_default=False,
        ),
    ],
    recording: Annotated[
        Path, typer.Option(help="The folder that was given to --record.", show_default=False)
    ],
    config: Annotated[
        Path | None, typer.Option(help="Settings file (TOML) of the server that recorded.")
    ] = None,
) -> None:
    """Recompute every decision and fill of an order from recorded messages: equal, or the first difference.

    Exit: 0 equal, 1 different, or the files are not what was written, 2 nothing can be recomputed.
    """
    from twap_server import settings  # noqa: PLC0415 - keeps --help fast
    from twap_server.bootstrap import verifying  # noqa: PLC0415

    with told():
        loaded = settings.load(file=config, flags={})
        is_equal = verifying.verify_command(proof, recording=recording, settings=loaded, announce=say)
    if not is_equal:
        raise typer.Exit(_DIFFERENT)
