"""What a type checker says of programs that use this library: right ones pass strictly, wrong ones do not."""

import inspect
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from mypy import api

from docs.pages import ROOT, blocks
from twap_client.orders import Orders

RIGHT = """
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from twap_client import ClientConfig, Disconnected, TwapClient
from twap_models import (
    BookMessage, BookStatus, ExchangeState, Level, OrderEvent, OrderStatus, TwapOrder, TwapOrderAmendment,
    TwapOrderRequest,
)


async def main() -> None:
    async with TwapClient(config=ClientConfig(request_timeout=timedelta(seconds=2))) as client:
        for side in ("buy", "sell"):
            TwapOrderRequest(
                token_id=side, exchange="kraken", symbol="ETH/USDT", side=side, quantity="0.5",
                duration="1h", slices=60,
            )
        wanted = TwapOrderRequest(
            token_id="a", exchange="kraken", symbol="ETH/USDT", quantity=Decimal(1), limit_price=3,
            start_time=datetime.now(UTC), duration=timedelta(hours=1), interval=5,
        )
        amount: Decimal = wanted.quantity
        TwapOrderAmendment(quantity="2", price=None)
        one: TwapOrder = await client.orders.submit(wanted, timeout=3)
        two: list[TwapOrder] = await client.orders.submit([wanted, {"symbol": "BTC-USDT"}])
        await client.orders.submit(
            exchange="binance", symbol="BTC-USDT", quantity=0.5, duration=timedelta(minutes=5), slices=5,
        )
        await client.orders.amend(one, quantity=amount, price=None)
        await client.orders.cancel(one)
        await client.orders.cancel(two[0].token_id)
        page = await client.orders.list(status=OrderStatus.FILLED)
        after: str | None = page.after
        book = await client.market.orderbook("binance", "BTC-USDT", timeout=timedelta(seconds=1))
        best: Level = book.bids[0]
        price: Decimal = best.price * best.quantity
        known: bool = book.status == BookStatus.LIVE
        up = [each.status is ExchangeState.CONNECTED for each in await client.market.exchanges()]
        async with client.stream(["binance:BTC-USDT"], orders=True) as stream:
            await stream.ready(timeout=5)
            async for item in stream:
                match item:
                    case BookMessage(status=BookStatus.LIVE):
                        print(item.bids[0].price, price, known, up, after)
                    case OrderEvent():
                        print(item.order.status.is_open)
                    case Disconnected():
                        print(item.reason)
"""

SYNC = """
from twap_client.sync import TwapClient
from twap_models import BookMessage, TwapOrder, TwapOrderDetail


def main() -> None:
    with TwapClient(username="ada", password="correct horse") as client:
        made: TwapOrder = client.orders.submit(
            exchange="binance", symbol="BTC-USDT", quantity="1", duration="1m", slices=6
        )
        shown: TwapOrderDetail = client.orders.get(made, slices=3)
        prices = [fill.price * 2 for fill in client.orders.fills(made)]
        ended: TwapOrder = client.orders.wait_until_closed(shown, timeout=5)
        names: list[str] = [one.name for one in client.market.exchanges()]
        for order in client.orders.list(status="open"):
            print(order.token_id, prices, ended, names)
        with client.stream(["binance:BTC-USDT"]) as stream:
            stream.ready(timeout=5)
            for item in stream:
                if isinstance(item, BookMessage):
                    print(item.bids[0].price)
"""

WRONG = """
from twap_client import TwapClinet  # E: has no attribute "TwapClinet"
from twap_client import TwapClient
from twap_models import TwapOrderRequest


async def main() -> None:
    TwapOrderRequest(token_id="a", exchange="kraken", symbol="X", quantity="1", sides="buy")  # E: "sides"
    TwapOrderRequest(token_id="a", exchange="kraken", symbol="X")  # E: "quantity"
    async with TwapClient("http://host") as client:
        await client.orders.submit(exchange="binance", symbol="X", quantity="1", slice=5)  # E: submit
        await client.orders.cancel(7)  # E: "int"
        await client.orders.get("a", timeout="soon")  # E: "str"
        book = await client.market.orderbook("binance", "BTC-USDT")
        book.bids[0].size  # E: "Level" has no attribute "size"
        client.stream(orders="yes")  # E: "str"
        client.market.nothing()  # E: "nothing"


from twap_client import sync

blocking = sync.TwapClient()
blocking.orders.cancel()  # E: Too few arguments
blocking.orders.get("a", slices="3")  # E: "str"
blocking.market.nothing()  # E: "nothing"
"""

_ERROR = re.compile(r"(?P<file>[\w.]+\.py):(?P<line>\d+): error: (?P<text>.*)")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, str]]:
    """What mypy finds in all of them, by file and line: it starts once."""
    folder = tmp_path_factory.mktemp("typed")
    programs = {"right": RIGHT, "sync": SYNC, "wrong": WRONG}
    programs |= {
        f"docs_{block.page.partition('/')[2].removesuffix('.md').replace('-', '_')}_{block.line}": block.text
        for block in blocks("python")
        if "twap_client" in block.text
    }
    programs |= {f"example_{path.stem}": path.read_text() for path in sorted(ROOT.glob("examples/*.py"))}
    for name, text in programs.items():
        (folder / f"{name}.py").write_text(text)
    cache = ROOT / ".mypy_cache" / "users"
    told, failed, _ = api.run(
        ["--strict", "--config-file=", f"--cache-dir={cache}", f"--python-executable={sys.executable}"]
        + [str(folder / f"{name}.py") for name in programs]
    )
    assert not failed, failed
    errors: dict[str, dict[int, str]] = defaultdict(dict)
    for line in told.splitlines():
        if error := _ERROR.search(line):
            lines = errors[Path(error["file"]).stem]
            lines[int(error["line"])] = f"{lines.get(int(error['line']), '')} {error['text']}".strip()
    return errors | {"all": dict.fromkeys(range(len(programs)), "")}


def test_right_uses_pass(found: dict[str, dict[int, str]]) -> None:
    assert len(found["all"]) > 12, "the docs' examples and those of the folder are among them"
    assert {name: lines for name, lines in found.items() if name not in ("wrong", "all")} == {}


def test_each_wrong_use_is_told(found: dict[str, dict[int, str]]) -> None:
    expected = {
        number: line.partition("# E: ")[2]
        for number, line in enumerate(WRONG.splitlines(), 1)
        if "# E:" in line
    }
    assert found["wrong"].keys() == expected.keys(), found["wrong"]
    for number, text in expected.items():
        assert text in found["wrong"][number]


@pytest.mark.parametrize("name", ["submit", "preview"])
def test_help_shows_the_fields_of_an_order(name: str) -> None:
    signature = inspect.signature(getattr(Orders, name))
    assert {"exchange", "quantity", "duration", "slices", "carry", "limit_price"} <= set(signature.parameters)
    assert "fields" not in signature.parameters
    assert list(signature.parameters)[:4] == ["self", "request", "exchange", "symbol"]
    assert "Carry" in str(signature.parameters["carry"].annotation)
