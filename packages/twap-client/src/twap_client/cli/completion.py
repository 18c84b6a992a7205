"""Complete what is typed: exchanges, symbols, own open orders, profiles. Quick, and silent whatever happens.

What changes seldom is kept on disk; a server that does not answer at once is not waited for.
"""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from twap_client.cli.place import Place
    from twap_client.client import TwapClient

_AGGREGATE = "aggregate"
_KEPT_S = 3_600
_CONNECT_S, _ANSWER_S = 0.5, 1.5
_MOST = 300
"""More than this nobody reads; a letter more, and the right ones are there."""


def exchanges(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete an exchange's name."""
    return _quietly(lambda: _starting([*_exchanges(_place(ctx)), _AGGREGATE], incomplete.lower()))


def symbols(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a symbol of the exchange that was typed before it, in the spelling that was begun."""
    exchange = str(ctx.params.get("exchange") or _AGGREGATE)
    return _quietly(lambda: _spelled(_symbols(_place(ctx), exchange.lower()), incomplete))


def books(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete ``exchange:symbol``."""
    from twap_models.names import split_market

    exchange, colon, symbol = split_market(incomplete)
    if not colon:
        return [f"{name}:" for name in exchanges(ctx, incomplete)]
    found = _quietly(lambda: _spelled(_symbols(_place(ctx), exchange.lower()), symbol))
    return [f"{exchange}:{name}" for name in found]


def open_orders(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the id of an open order of one's own, and say which it is."""

    async def ask(client: "TwapClient") -> list[tuple[str, str]]:
        found = await client.orders.list(status="open", limit=100)
        return [(item.token_id, f"{item.side} {item.quantity} {item.symbol} {item.status}") for item in found]

    def look() -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = _ask(_place(ctx), ask)
        return [item for item in found if item[0].startswith(incomplete)]

    return _quietly(look)


def tournaments(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of a tournament, and say what it is called."""

    async def ask(client: "TwapClient") -> list[tuple[str, str]]:
        return [(item.name, item.title) for item in await client.tournaments.list()]

    def look() -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = _ask(_place(ctx), ask)
        return [item for item in found if item[0].startswith(incomplete)]

    return _quietly(look)


def profiles(incomplete: str) -> list[str]:
    """Complete a profile's name."""

    def look() -> list[str]:
        from twap_client.cli.profiles import load

        return _starting(list(load().servers), incomplete)

    return _quietly(look)


def _quietly(look: Callable[[], list[Any]]) -> list[Any]:
    """Whatever goes wrong: nothing is completed, and nothing is written into the line that is being typed."""
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        try:
            return look()[:_MOST]
        except Exception:
            return []


def _place(ctx: typer.Context) -> "Place":
    from twap_client.cli.place import place

    typed = ctx.find_root().params
    return place(typed.get("server"), typed.get("profile"))


def _exchanges(there: "Place") -> list[str]:
    async def ask(client: "TwapClient") -> list[str]:
        return [item.name for item in await client.market.exchanges()]

    return _kept(there, "exchanges", ask)


def _symbols(there: "Place", exchange: str) -> list[str]:
    if exchange == _AGGREGATE:
        return sorted({name for one in _exchanges(there) for name in _symbols(there, one)})

    async def ask(client: "TwapClient") -> list[str]:
        return [item.symbol for item in await client.market.symbols(exchange)]

    return _kept(there, f"symbols of {exchange}", ask)


def _starting(names: Sequence[str], begin: str) -> list[str]:
    return [name for name in names if name.startswith(begin)]


def _spelled(names: Sequence[str], begin: str) -> list[str]:
    """Those that begin so, written as it was begun: ``btc-u`` is no beginning of ``BTC-USDT`` to a shell."""
    wanted = begin.upper()
    between = "/" if "/" in begin else "-"
    spelled = [name.replace("-", between) for name in names]
    found = _starting(spelled, wanted) or _starting([name.replace("-", "") for name in names], wanted)
    return [name.lower() for name in found] if begin and begin == begin.lower() else found


def _kept(there: "Place", what: str, ask: "Callable[[TwapClient], Awaitable[list[str]]]") -> list[str]:
    """What is on disk and not old; else what the server says now; else what is on disk, however old."""
    file = _file(there, what)
    known, is_fresh = _read(file)
    if is_fresh:
        return known
    try:
        found: list[str] = _ask(there, ask)
    except Exception:
        return known
    with suppress(OSError):
        from twap_client.cli.private_file import locked, replace_text

        with locked(file.parent):
            replace_text(file, json.dumps(found))
    return found


def _file(there: "Place", what: str) -> "Path":
    from hashlib import sha256
    from pathlib import Path

    from platformdirs import user_cache_dir

    own = os.environ.get("TWAP_CONFIG_DIR")
    folder = Path(own, "cache") if own else Path(user_cache_dir("twap", appauthor=False))
    return folder / f"{sha256(f'{there.config.base_url} {what}'.encode()).hexdigest()[:24]}.json"


def _read(file: "Path") -> tuple[list[str], bool]:
    import time

    try:
        # How old a file on this machine is, by this machine's clock.
        age = time.time() - file.stat().st_mtime  # noqa: TID251
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return [], False
    names = [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
    return names, 0 <= age < _KEPT_S


def _ask(there: "Place", question: "Callable[[TwapClient], Awaitable[Any]]") -> Any:
    import asyncio
    from dataclasses import replace
    from datetime import timedelta

    from twap_client.client import TwapClient

    config = replace(
        there.config,
        attempts=1,
        connect_timeout=timedelta(seconds=_CONNECT_S),
        request_timeout=timedelta(seconds=_ANSWER_S),
    )

    async def ask() -> Any:
        async with asyncio.timeout(_ANSWER_S), TwapClient(config=config, token_store=there.store) as client:
            return await question(client)

    return asyncio.run(ask())
