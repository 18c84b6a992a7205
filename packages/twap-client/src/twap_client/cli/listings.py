"""Define the commands that list what is recorded: orders, order, fills."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from typing import Annotated, Literal

import typer

from twap_client.cli import completion
from twap_client.cli.formats import Output, Relative, run_listing
from twap_client.cli.running import Json, JsonLines, TokenArg

app = typer.Typer()

StatusOption = Annotated[
    str | None, typer.Option("--status", help="open, closed or a state such as Expired.")
]
ExchangeOption = Annotated[
    str | None, typer.Option("--exchange", help="Only this exchange.", autocompletion=completion.exchanges)
]
SymbolOption = Annotated[
    str | None, typer.Option("--symbol", help="Only this symbol.", autocompletion=completion.symbols)
]
SideOption = Annotated[
    Literal["buy", "sell"] | None,
    typer.Option("--side", case_sensitive=False, help="Only buys, or sells."),
]


@app.command("orders")
def list_orders(
    ctx: typer.Context,
    *,
    status: StatusOption = None,
    exchange: ExchangeOption = None,
    symbol: SymbolOption = None,
    side: SideOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 50,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="As a live table with keys.")] = False,
    relative: Relative = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """List your orders, newest first."""
    from twap_client.cli import orders

    filters = {"status": status, "exchange": exchange, "symbol": symbol, "side": side}
    listed = orders.live if watch else orders.listing
    run_listing(ctx, as_json, output, lambda session: listed(session, limit, **filters), relative=relative)


@app.command()
def order(
    ctx: typer.Context,
    *,
    token: TokenArg,
    whole: Annotated[bool, typer.Option("--all", help="All slices and fills, however many.")] = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Show an order with its slices and fills: of many the first and last (json: all; csv: all slices)."""
    from twap_client.cli import orders

    run_listing(ctx, as_json, output, lambda session: orders.show(session, token, whole=whole))


@app.command()
def costs(
    ctx: typer.Context,
    *,
    exchange: ExchangeOption = None,
    symbol: SymbolOption = None,
    side: SideOption = None,
    since: Annotated[
        str | None, typer.Option(metavar="T", help="Only those that ended then or later.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="T", help="Only those that ended before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most, the newest first.")] = 50,
    relative: Relative = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Show what your closed orders cost, one by one and in sum."""
    from twap_client.cli import costs as work

    filters = {"exchange": exchange, "symbol": symbol, "side": side, "since": since, "until": until}
    run_listing(
        ctx, as_json, output, lambda session: work.costs(session, limit, **filters), relative=relative
    )


@app.command()
def fills(
    ctx: typer.Context,
    *,
    token: Annotated[str | None, typer.Argument(metavar="TOKEN", help="Only this order's.")] = None,
    status: StatusOption = None,
    exchange: ExchangeOption = None,
    symbol: SymbolOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only of the newest orders, so many; absent: of all.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one fill per row.")] = False,
    output: Output = None,
    as_json: JsonLines = False,
) -> None:
    """Show the fills of your orders, newest order first."""
    from twap_client.cli import fills as listed

    filters = {"token_id": token, "status": status, "exchange": exchange, "symbol": symbol}
    run_listing(ctx, as_json, output, lambda session: listed.fills(session, limit, as_csv=csv, **filters))
