"""Write the page of all exchanges from what each of them says of itself."""

from pathlib import Path

from twap_models.enums import Integrity
from twap_server.domain.market.candles import length
from twap_server.exchanges.base import Exchange, KlineRules, Rate, Start
from twap_server.exchanges.registry import EXCHANGES

PAGE = Path(__file__).parents[1] / "docs/exchanges.md"

_HEAD = """# Exchanges

The server reads these exchanges natively. This page is written from what each says of itself in
`twap_server/exchanges/`; [conformance](conformance.md) says what each was tried with, and
[add an exchange](add-an-exchange.md) how one more is added.

Only those marked "yes" are collected without being named. Name the others:
`twap-server start --exchange NAME`, more than once for several, or a table `[exchanges.NAME]` in the
[settings](settings.md). None was reached from where this was developed;
`.venv/bin/hatch run live-check NAME` tries the real one from your machine.

| name | without being named | proof of its books | a book starts | levels a side |
| --- | --- | --- | --- | --- |
"""
_CANDLES = """
The proof is `integrity` in `GET /exchanges`:
[what it means](concepts.md#books-and-the-proof-that-they-are-right).

## Candles

Every interval can be asked for on every exchange. One that the exchange does not have itself is built from a
finer one.

| name | own intervals | candles an answer | how far back |
| --- | --- | --- | --- |
"""
_LIMITS = """
## Limits that the server keeps

Where the exchange states no limit, none stands here, or a careful one of our own.

| name | messages on one connection | books a connection | attempts to connect | weight over REST |
| --- | --- | --- | --- | --- |
"""
_STARTS = {
    Start.PUSHED: "with a snapshot on the stream",
    Start.FETCHED: "with a snapshot from REST, joined to the stream",
    Start.WHOLE: "with each message: it is the whole book",
}
_PROOFS = {
    Integrity.SEQUENCE: "`sequence`",
    Integrity.CHECKSUM: "`checksum`",
    Integrity.WHOLE: "`whole`: a lost message is made good by the next",
    Integrity.NONE: "`none`: each book is asked for anew every {} s",
}


def page() -> str:
    """The page, as it is committed."""
    books = [
        _row(one.name, "yes" if one.by_default else "no", _proof(one), _STARTS[one.start], _depth(one))
        for one in EXCHANGES
    ]
    candles = [_row(one.name, *_candles(one.klines)) for one in EXCHANGES]
    limits = [_row(one.name, *_limits(one)) for one in EXCHANGES]
    return _HEAD + "".join(books) + _CANDLES + "".join(candles) + _LIMITS + "".join(limits)


def _row(name: str, *cells: str) -> str:
    return "| " + " | ".join((f"`{name}`", *cells)) + " |\n"


def _proof(shape: type[Exchange]) -> str:
    return _PROOFS[shape.integrity].format(shape.refresh_s)


def _depth(shape: type[Exchange]) -> str:
    if not shape.depths:
        return "all that come"
    usual = shape().book_depth or shape.usual_depth
    others = ", ".join(f"{one:,}" for one in shape.depths)
    return f"{usual:,}" if len(shape.depths) == 1 else f"{usual:,} (of {others})"


def _candles(rules: KlineRules) -> tuple[str, str, str]:
    own = " ".join(one.value for one in sorted(rules.native, key=length))
    reach = f"{rules.reach:,} candles" if rules.reach else "as far as there is trade"
    newest = (
        f"what one answer holds, {rules.max_rows:,} at most"
        if rules.is_fixed
        else f"the newest {rules.max_rows:,}"
    )
    return own, f"{rules.max_rows:,}", reach if rules.pages else newest


def _limits(shape: type[Exchange]) -> tuple[str, str, str, str]:
    limits = shape.limits
    rest = "; ".join(f"{_rate(rate)}{f' ({bucket})' * bool(bucket)}" for bucket, rate in limits.rest.items())
    room = f"{limits.symbols_per_connection:,}" if limits.symbols_per_connection else "–"
    if limits.kept_connections:
        room += f", {limits.kept_connections} connections"
    return "; ".join(map(_rate, limits.sends)) or "–", room, _rate(limits.connects), rest or "–"


def _rate(rate: Rate) -> str:
    return f"{rate.amount:,} in {rate.window_s:,} s"
