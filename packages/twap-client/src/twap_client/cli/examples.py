"""Give each command's help an example: what a person would type. A test reads each as the command does."""

from collections.abc import Mapping
from typing import Any

EXAMPLES: Mapping[str, str] = {
    "register": "twap register --username ada",
    "login": "twap login --username ada",
    "password": "twap password --end-keys",
    "logout": "twap logout --everywhere",
    "whoami": "twap whoami",
    "keys create": "twap keys create nightly-report --read-only --expires 30d",
    "keys list": "twap keys list",
    "keys revoke": "twap keys revoke 01a2298121a0a0a8336d38bae36f406a",
    "exchanges": "twap exchanges",
    "symbols": "twap symbols binance --quote USDT --q BTC",
    "klines": "twap klines binance BTC-USDT --interval 1h --limit 24",
    "book": "twap book aggregate BTC-USDT --depth 5",
    "submit": "twap submit binance BTC-USDT buy 0.5 --duration 1h --interval 1m --limit 70000",
    "orders": "twap orders --status open",
    "order": "twap order k7m2p9xd --all",
    "costs": "twap costs --side buy --since 2026-11-01",
    "fills": "twap fills --exchange kraken --csv",
    "pause": "twap pause k7m2p9xd",
    "resume": "twap resume k7m2p9xd",
    "amend": "twap amend k7m2p9xd --quantity 0.8 --end +30m",
    "cancel": "twap cancel k7m2p9xd 3fhq8w2n",
    "events": "twap events k7m2p9xd --since 120",
    "top": "twap top --book binance:BTC-USDT",
    "watch": "twap watch --book binance:BTC-USDT --book kraken:BTC-USD",
    "report": "twap report k7m2p9xd --html report.html",
    "verify": "twap verify k7m2p9xd --recording recordings",
    "tournaments": "twap tournaments",
    "tournament": "twap tournament two-ways --html two-ways.html",
    "invite": "twap invite --days 3 --note 'for Grace'",
    "invites": "twap invites",
    "doctor": "twap doctor",
    "profile list": "twap profile list",
    "profile add": "twap profile add desk https://desk.example --use",
    "profile use": "twap profile use desk",
    "profile remove": "twap profile remove desk",
}
"""By the words of the command."""


def put_into_help(app: Any, *words: str) -> None:
    """Write each example below its command's help; ``app`` has all its commands."""
    for command in app.registered_commands:
        name = command.name or command.callback.__name__.replace("_", "-")
        example = EXAMPLES.get(" ".join([*words, name]))
        if example:
            command.epilog = f"Example: {example}"
    for group in app.registered_groups:
        put_into_help(group.typer_instance, *words, *([group.name] if group.name else []))
