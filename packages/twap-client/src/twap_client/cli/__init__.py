"""Run the ``twap`` command. Results go to stdout, messages to stderr; ``app`` has the commands.

Exit codes: 0 done (``watch``: Filled), 1 failed, 2 usage, 3 ended Expired, 4 Canceled, 5 Rejected or Failed,
6 cannot reach the server or sign in.
"""

import sys

from twap_client.cli import streams


def main() -> None:
    """Run the command line; without its extra dependencies, say how to install them."""
    streams.prepare()
    try:
        from twap_client.cli.app import app  # noqa: PLC0415 -- typer is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        from twap_models.installing import from_a_checkout  # noqa: PLC0415 -- --help need not wait for it

        sys.stderr.write(f"the twap command needs its extra: {from_a_checkout('client', 'cli')}\n")
        sys.exit(1)
    app(prog_name="twap")
