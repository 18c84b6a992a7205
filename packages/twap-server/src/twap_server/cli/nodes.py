"""Define the commands for several nodes: ``node`` runs one, ``nodes`` lists them."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from twap_server.cli.running import LogStyle, fail, run, run_announcing, say, settings_given
from twap_server.domain.errors import TwapError
from twap_server.runtime import garbage
from twap_server.runtime.loops import loop_factory


class RoleName(StrEnum):
    """What a node does."""

    COLLECTOR = "collector"
    ENGINE = "engine"
    GATEWAY = "gateway"


ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database", help="postgresql://USER:PASSWORD@HOST/NAME, the same for all nodes."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the others."""
    app.command()(node)
    app.command()(nodes)


def node(
    role: Annotated[
        list[RoleName],
        typer.Option(metavar="ROLE", help="collector, engine or gateway. Repeatable.", show_default=False),
    ],
    nats: Annotated[
        str | None,
        typer.Option(
            help="nats://[USER:PASSWORD@]HOST:PORT, or tls://…, the same for all nodes.",
            show_default="on loopback",
        ),
    ] = None,
    database: DatabaseUrl = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0 for any.", show_default="8000")
    ] = None,
    config: ConfigFile = None,
    exchange: Annotated[
        list[str] | None,
        typer.Option(help="Exchange to collect, as for start; the same for all nodes. Repeatable."),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PARTS",
            help="Share an exchange's symbols out over so many parts, as binance=4; "
            "the same for all collectors. Repeatable.",
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Keep every message of the exchanges in this folder.")
    ] = None,
    log_format: Annotated[LogStyle | None, typer.Option(help="How log lines are written.")] = None,
) -> None:
    """Run one of several nodes, which share PostgreSQL and NATS: see docs, "Several nodes".

    A collector talks to exchanges, an engine works orders, a gateway answers clients.
    Several of each share the work, and take over from each other.
    Collectors and engines answer /health, /ready and /metrics alone.
    """
    garbage.hold_off()
    from twap_server import bootstrap, settings  # noqa: PLC0415 - keeps --help fast

    given = settings_given(host=host, port=port, database=database, record=record, log_format=log_format)
    cluster: dict[str, object] = {} if nats is None else {"nats": nats}
    if split:
        cluster["split"] = _parts_by_exchange(split, role)
    if cluster:
        given["cluster"] = cluster
    try:
        chosen = bootstrap.choose(settings.load(file=config, flags=given), exchange or [])
        new_loop = loop_factory(chosen.runtime.event_loop)
    except TwapError as error:
        fail(str(error), code=2)
    serve = partial(bootstrap.serve_node, chosen, roles=[one.value for one in role])
    run_announcing(lambda announce: serve(announce=announce), new_loop)


def _parts_by_exchange(given: list[str], roles: list[RoleName]) -> dict[str, str]:
    """Read ``--split``; ends the command where it cannot be read, or means nothing for these roles."""
    if RoleName.COLLECTOR not in roles:
        fail("--split: only a collector splits exchanges: add --role collector, or leave it out", code=2)
    found = {}
    for text in given:
        name, separator, parts = text.rpartition("=")
        if not (name and separator and parts.isdecimal()):
            fail(f"--split {text[:60]!r}: expected NAME=PARTS, such as binance=4", code=2)
        found[name] = parts
    return found


def nodes(config: ConfigFile = None, database: DatabaseUrl = None) -> None:
    """List the nodes that share a database, and what each of them has."""
    from twap_server import bootstrap, settings  # noqa: PLC0415 - keeps --help fast

    try:
        loaded = settings.load(file=config, flags={} if database is None else {"database": database})
    except TwapError as error:
        fail(str(error), code=2)
    run(bootstrap.list_nodes(loaded, say=say))
