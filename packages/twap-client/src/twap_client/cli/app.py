"""Define the commands of ``twap``. Arguments and help only: the work is imported when a command runs."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from pathlib import Path
from typing import Annotated, Literal

import typer

from twap_client.cli import (
    account_commands,
    at_work,
    completion,
    examples,
    inviting,
    key_commands,
    listings,
    profile_commands,
    proof_commands,
    setup_commands,
    strategy_options,
    tournament_commands,
)
from twap_client.cli.formats import Output, run_listing
from twap_client.cli.running import Commands, Json, JsonLines, Root, TokenArg, not_empty
from twap_client.cli.running import run as _run

app = typer.Typer(
    name="twap",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Watch markets and trade TWAP orders on a twap paper-trading server.",
    epilog="Exit codes: 0 done (watch: Filled), 1 failed, 2 usage, 3 Expired, 4 Canceled, "
    "5 Rejected or Failed, 6 cannot reach the server or sign in, 130 interrupted with Ctrl-C.",
)

ExchangeArg = Annotated[
    str,
    typer.Argument(
        metavar="EXCHANGE",
        help="Such as binance, or aggregate.",
        callback=not_empty,
        autocompletion=completion.exchanges,
    ),
]
SymbolArg = Annotated[
    str,
    typer.Argument(
        metavar="SYMBOL",
        help="Such as BTC-USDT, btcusdt, BTC/USDT.",
        callback=not_empty,
        autocompletion=completion.symbols,
    ),
]
CarryOption = Annotated[
    Literal["catch_up", "skip", "last"] | None,
    typer.Option(help="What to do with an unfilled part.", case_sensitive=False),
]
LateStartOption = Annotated[
    Literal["compress", "skip", "shift"] | None,
    typer.Option(help="What to do if --start lies in the past.", case_sensitive=False),
]
FidelityOption = Annotated[
    Literal["depth", "l1"] | None,
    typer.Option(help="Level after level, or all at the best price.", case_sensitive=False),
]


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"twap {version('twap-client')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="The server's address. Absent: TWAP_SERVER_URL, a profile, or http://127.0.0.1:8000.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            autocompletion=completion.profiles,
            help="A server kept under a name. Absent: TWAP_PROFILE, or the one of `twap profile use`.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version and end."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON value (watch, fills: one per line).")
    ] = False,
) -> None:
    """Watch markets and trade TWAP orders on a twap paper-trading server."""
    ctx.obj = Root(server, as_json, profile)


app.add_typer(account_commands.app)
app.add_typer(key_commands.app, name="keys")


@app.command()
def exchanges(ctx: typer.Context, output: Output = None, as_json: Json = False) -> None:
    """List the exchanges and the state of their connections."""
    from twap_client.cli import market

    run_listing(ctx, as_json, output, market.exchanges)


@app.command()
def symbols(
    ctx: typer.Context,
    *,
    exchange: ExchangeArg,
    base: Annotated[str | None, typer.Option(help="Only this base currency.")] = None,
    quote: Annotated[str | None, typer.Option(help="Only this quote currency.")] = None,
    q: Annotated[str | None, typer.Option("--q", help="Only symbols with this text.")] = None,
    kind: Annotated[
        Literal["spot", "perpetual"] | None, typer.Option(help="Only spot, or only perpetuals.")
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """List an exchange's instruments."""
    from twap_client.cli import market

    run_listing(
        ctx,
        as_json,
        output,
        lambda session: market.symbols(session, exchange, base=base, quote=quote, q=q, kind=kind),
    )


@app.command()
def klines(
    ctx: typer.Context,
    *,
    exchange: ExchangeArg,
    symbol: SymbolArg,
    interval: Annotated[str, typer.Option(help="1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M")] = "1m",
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="How many candles, the newest: 20, or what fits into a chart.",
            show_default=False,
        ),
    ] = None,
    chart: Annotated[bool, typer.Option("--chart", help="Draw them.")] = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Show candles, oldest first."""
    from twap_client.cli import market

    run_listing(
        ctx,
        as_json,
        output,
        lambda session: market.klines(session, exchange, symbol, interval, limit, chart=chart),
    )


@app.command()
def book(
    ctx: typer.Context,
    *,
    exchange: ExchangeArg,
    symbol: SymbolArg,
    depth: Annotated[int, typer.Option(min=1, max=100, help="How many levels on each side.")] = 10,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Show an order book; watch --book shows it live."""
    from twap_client.cli import market

    run_listing(ctx, as_json, output, lambda session: market.book(session, exchange, symbol, depth))


@app.command()
def submit(
    ctx: typer.Context,
    *,
    exchange: ExchangeArg,
    symbol: SymbolArg,
    side: Annotated[
        Literal["buy", "sell"], typer.Argument(metavar="SIDE", help="buy or sell.", case_sensitive=False)
    ],
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help="In base currency.")],
    limit: Annotated[str | None, typer.Option(metavar="PRICE", help="The worst price to accept.")] = None,
    start: Annotated[
        str | None, typer.Option(metavar="T", help="Local time, ISO 8601 or +15m; absent: now.")
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="T", help="Local time, ISO 8601 or +15m.")] = None,
    duration: Annotated[
        str | None, typer.Option(metavar="D", help="Instead of --end: 90 (seconds), 5m, 1h30m.")
    ] = None,
    interval: Annotated[str | None, typer.Option(metavar="S", help="Between slices: 5, 1m.")] = None,
    slices: Annotated[int | None, typer.Option(metavar="N", min=1, help="Instead of --interval.")] = None,
    token_id: Annotated[str | None, typer.Option(help="Your order id; absent: a random one.")] = None,
    carry: CarryOption = None,
    late_start: LateStartOption = None,
    max_slippage_bps: Annotated[str | None, typer.Option(help="Largest distance from the mid.")] = None,
    randomize: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="Vary size and time of slices: 0 to 50 percent."),
    ] = None,
    participation_cap: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="Largest share of the traded volume, in percent.")
    ] = None,
    fidelity: FidelityOption = None,
    realism: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FIGURES",
            help="ideal, local, remote, adverse, or figures such as latency=40ms, joined by commas.",
        ),
    ] = None,
    strategy: strategy_options.StrategyOption = None,
    volume_profile: strategy_options.ProfileOption = None,
    volume_days: strategy_options.DaysOption = None,
    urgency: strategy_options.UrgencyOption = None,
    half_life: strategy_options.HalfLifeOption = None,
    risk_aversion: strategy_options.RiskAversionOption = None,
    volatility: strategy_options.VolatilityOption = None,
    temporary_impact: strategy_options.TemporaryOption = None,
    permanent_impact: strategy_options.PermanentOption = None,
    participation: strategy_options.ParticipationOption = None,
    compare: strategy_options.CompareOption = False,
    supply: strategy_options.SupplyOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the order to its end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would happen.")] = False,
    go_live: Annotated[
        bool, typer.Option("--go-live", help="The same, and every rule of each exchange's own TWAP.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON value; with --watch, one per line.")
    ] = False,
) -> None:
    """Submit an order: QUANTITY in slices from --start to --end, equal ones unless --strategy says else."""
    from twap_client.cli.realism_view import read_realism
    from twap_client.cli.submission import Shown, Submission

    what = {"exchange": exchange, "symbol": symbol, "side": side, "quantity": quantity, "price": limit}
    when = {"start_time": start, "end_time": end, "duration": duration, "interval": interval}
    how = {"slices": slices, "token_id": token_id, "carry": carry, "max_slippage_bps": max_slippage_bps}
    how |= {"randomize": randomize, "participation_cap": participation_cap}
    how |= {"late_start": late_start, "fidelity": fidelity, "strategy": strategy}
    how |= {"volume_profile": volume_profile, "volume_days": volume_days, "participation": participation}
    how |= {"urgency": urgency, "half_life": half_life, "risk_aversion": risk_aversion}
    how |= {"volatility": volatility, "temporary_impact": temporary_impact}
    how |= {"permanent_impact": permanent_impact}
    compare = compare or supply is not None
    dry_run = dry_run or compare or go_live
    shown = Shown(dry_run=dry_run, go_live=go_live, compare=compare, supply=supply)
    fields = {**what, **when, **how, "realism": read_realism(realism)}
    submission = Submission(fields, ask=not yes, follow=watch, shown=shown)
    _run(ctx, as_json, submission.work, submission.prepare, submission)


app.add_typer(listings.app)
app.add_typer(at_work.app)
app.add_typer(inviting.app)
app.add_typer(proof_commands.app)
app.add_typer(tournament_commands.app)
app.add_typer(setup_commands.app)
app.add_typer(profile_commands.app, name="profile")


@app.command()
def watch(
    ctx: typer.Context,
    *,
    token: Annotated[
        str | None,
        typer.Argument(metavar="TOKEN", help="The order's token_id.", autocompletion=completion.open_orders),
    ] = None,
    book: Annotated[
        list[str] | None,
        typer.Option(
            "--book", metavar="EXCHANGE:SYMBOL", autocompletion=completion.books, help="May be repeated."
        ),
    ] = None,
    as_json: JsonLines = False,
) -> None:
    """Follow an order to its end, or live books; with neither, all your open orders."""
    from twap_client.cli import watch as following

    _run(ctx, as_json, lambda session: following.watch(session, token, book or []))


@app.command()
def top(
    ctx: typer.Context,
    *,
    book: Annotated[
        list[str] | None,
        typer.Option(
            "--book", metavar="EXCHANGE:SYMBOL", help="Beside the books of your orders; may be repeated."
        ),
    ] = None,
) -> None:
    """Watch books, open orders and exchanges on the whole screen, with keys (extra tui)."""
    from importlib.util import find_spec

    if find_spec("textual") is None:
        from twap_models.installing import from_a_checkout

        typer.echo(f"twap top needs an extra: {from_a_checkout('client', 'tui')}", err=True)
        raise typer.Exit(1)
    from twap_client.cli import watch as following

    _run(ctx, False, lambda session: following.top(session, book or []))


@app.command()
def report(
    ctx: typer.Context,
    *,
    token: TokenArg,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            allow_dash=True,
            help="Write a page with charts; - is standard output.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, allow_dash=True, help="Write CSV, one figure per row."),
    ] = None,
    fills: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, allow_dash=True, help="Write the fills as CSV."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what an order's execution cost, against what, and what else it might have cost."""
    from twap_client.cli import report as reports

    _run(ctx, as_json, lambda session: reports.report(session, token, html=html, csv=csv, fills=fills))


examples.put_into_help(app)
