"""Define the commands about the way from this machine to a server: doctor."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

import typer

from twap_client.cli.running import Json, run

app = typer.Typer()


@app.command()
def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Check the way to the server, step by step, and say what to do about what is wrong."""
    from twap_client.cli import doctor as checks

    run(ctx, as_json, checks.doctor)
