"""Carry out profile list, add, use, remove. No server is asked."""

import json
import sys
from dataclasses import replace
from typing import Literal

from rich.console import Console

from twap_client.cli import csv_rows, profiles, spoken
from twap_client.cli.credentials import CredentialFile
from twap_client.cli.fitting_table import FittingTable, left
from twap_client.config import ClientConfig


def listing(output: Literal["table", "json", "csv"]) -> None:
    """List the profiles: which is in use, and who is signed in."""
    known = profiles.load()
    rows = [
        {"name": name, "server": server, "in_use": name == known.used, "signed_in": _who(name, server)}
        for name, server in known.servers.items()
    ]
    if output == "json":
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    if output == "csv":
        names = ("name", "server", "in_use", "signed_in")
        csv_rows.write_rows([names, *([csv_rows.cell(row[name]) for name in names] for row in rows)])
        return
    if not rows:
        sys.stderr.write("no profiles: `twap profile add NAME URL` makes one\n")
        return
    table = FittingTable(left("profile", "server", "signed in", ""), header_style="bold")
    for row in rows:
        who = str(row["signed_in"] or "–")
        table.add_row(str(row["name"]), str(row["server"]), who, "in use" if row["in_use"] else "")
    Console(highlight=False).print(table)


def add(name: str, url: str, *, use: bool) -> None:
    """Keep a server under a name.

    Raises:
        ValueError: the name or the address is wrong.
    """
    server = ClientConfig(base_url=spoken.address(url)).base_url
    profiles.save(profiles.with_server(profiles.load(), name, server, use=use))
    _say(f"profile {name}: {server}; sign in with `twap --profile {name} login`")


def use(name: str | None) -> None:
    """Let a profile count where none is named; None: none."""
    known = profiles.load()
    if name is not None:
        known.server(name)
    profiles.save(replace(known, used=name or ""))
    _say(f"in use: {name}" if name else "no profile is in use")


def remove(name: str) -> None:
    """Forget a profile and its sign-in on this machine."""
    known = profiles.load()
    server = known.server(name)
    CredentialFile(server, profile=name).save(None)
    profiles.save(profiles.without(known, name))
    _say(f"removed {name}, and its sign-in on this machine")


def _who(name: str, server: str) -> str:
    tokens = CredentialFile(server, profile=name).load()
    return "" if tokens is None else tokens.username or "yes"


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")
