"""The library without ``async``: the same names and types, in any thread, where a loop runs too."""

import asyncio
import gc
import inspect
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.client import request
from twap_client import (
    InvalidSetting,
    NotFound,
    StillOpen,
    StreamClosed,
    SubscriptionRefused,
    TwapClient,
    TwapStream,
    UsageError,
    sync,
)
from twap_client.accounts import Accounts
from twap_client.market import Market
from twap_client.orders import Orders
from twap_client.testing import ScriptedServer, order
from twap_client.tournaments import Tournaments
from twap_models import BookMessage, OrderEvent, OrderStatus


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Run a server in a thread of its own: here nothing runs that could serve."""
    made, begun, over = ScriptedServer(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with made:
            made.add_account("ada", "correct horse")
            made.loop = asyncio.get_running_loop()  # type: ignore[attr-defined]
            begun.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    begun.wait(10)
    yield made
    made.loop.call_soon_threadsafe(over.set)  # type: ignore[attr-defined]
    thread.join()


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[sync.TwapClient]:
    with sync.TwapClient(server.url, username="ada", password="correct horse") as opened:
        yield opened


def there(server: ScriptedServer, work: object, *args: object) -> None:
    server.loop.call_soon_threadsafe(work, *args)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("facade", "inner", "others"),
    [
        (sync.SyncAccounts, Accounts, {"begin_oidc"}),
        (sync.SyncMarket, Market, set()),
        (sync.SyncOrders, Orders, set()),
        (sync.SyncTournaments, Tournaments, set()),
        (sync.SyncStream, TwapStream, {"aclose"}),
        (sync.SyncTwapClient, TwapClient, {"aclose"}),
    ],
)
def test_it_has_the_same_names(facade: type, inner: type, others: set[str]) -> None:
    def names(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert names(inner) - others <= names(facade)
    for name in names(inner) & names(facade):
        if isinstance(vars(inner)[name], property):
            assert isinstance(vars(facade)[name], property), name
            continue
        written, shown = (inspect.signature(getattr(kind, name)) for kind in (inner, facade))
        assert list(written.parameters) == list(shown.parameters), name


def test_calls_wait_for_their_answers(client: sync.TwapClient) -> None:
    assert client.accounts.me().username == "ada"
    assert [one.name for one in client.market.exchanges()] == ["binance", "kraken"]
    made = client.orders.submit(
        exchange="binance", symbol="BTC-USDT", quantity="1", duration=60, slices=6, token_id="o-1"
    )
    several = client.orders.submit([request("o-2"), request("o-3")])
    assert [made.token_id, *(item.token_id for item in several)] == [
        item.token_id for item in client.orders.list(limit=2)
    ]
    page = client.orders.list(limit=2).first()
    assert (len(page), len(list(client.orders.list(limit=2).pages()))) == (2, 2) and page.after
    assert client.orders.preview(request("o-4")).accepted
    assert [event.event for event in client.orders.events(made)] == ["accepted"]
    assert client.orders.cancel(made).status is OrderStatus.CANCELED
    with pytest.raises(NotFound):
        client.orders.get("o-9")


async def test_it_works_where_a_loop_runs(client: sync.TwapClient) -> None:
    """As in Jupyter: this very loop stands still meanwhile, and is not touched."""
    assert client.accounts.me().username == "ada"
    with client.stream(["binance:BTC-USDT"]) as stream:
        assert isinstance(next(stream), BookMessage)


def test_many_threads_share_one(client: sync.TwapClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: client.accounts.me().username, range(40)))
    assert names == ["ada"] * 40


def test_a_stream_is_a_plain_iterator(server: ScriptedServer, client: sync.TwapClient) -> None:
    with client.stream(["binance:BTC-USDT"], orders=True) as stream:
        stream.ready(timeout=10)
        stream.subscribe("kraken:NOTHING")
        stream.ready(timeout=10)
        there(server, server.push_event, "accepted", order())
        kinds = []
        for item in stream:
            kinds.append(type(item))
            if len(kinds) == 3:
                break
    assert set(kinds) == {BookMessage, OrderEvent, SubscriptionRefused}
    with pytest.raises(StreamClosed):
        for _ in stream:
            pass


def test_it_waits_until_an_order_is_closed(server: ScriptedServer, client: sync.TwapClient) -> None:
    made = client.orders.submit(request("o-1"))
    with pytest.raises(StillOpen, match=r"'o-1' was still open after 0\.2 s") as caught:
        client.orders.wait_until_closed(made, timeout=0.2)
    assert isinstance(caught.value, TimeoutError)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.orders.wait_until_closed, "o-1", timeout=30)
        while len(server.feed.sockets) == 0:
            threading.Event().wait(0.01)
        there(server, server.feed.drop)  # a lost connection is no end of it
        there(server, server.push_event, "slice", made)
        there(server, server.push_event, "ended", order("o-2", status="Filled"))
        there(server, server.push_event, "ended", made.model_copy(update={"status": OrderStatus.FILLED}))
        assert waiting.result(30).status is OrderStatus.FILLED
    assert client.orders.wait_until_closed(made, timeout=30).status is OrderStatus.FILLED
    with pytest.raises(NotFound):
        client.orders.wait_until_closed("o-9", timeout=30)


def test_a_closed_client_says_so_and_leaves_no_thread(server: ScriptedServer) -> None:
    client = sync.TwapClient(server.url)
    assert len(client.market.exchanges()) == 2
    client.close()
    client.close()
    with pytest.raises(UsageError, match="this client was closed: make another one"):
        client.market.exchanges()
    assert "twap_client.sync" not in {thread.name for thread in threading.enumerate()}
    sync.TwapClient(server.url).close()  # never used
    with pytest.raises(InvalidSetting):
        sync.TwapClient("nonsense")


def test_what_was_got_from_a_client_keeps_it_alive(server: ScriptedServer) -> None:
    """``TwapClient(...).orders.list().first()`` in one line: nobody holds the client itself."""
    before = {one.ident for one in threading.enumerate()}
    server.orders["o-1"] = order("o-1")
    fresh = lambda: sync.TwapClient(server.url, username="ada", password="correct horse")  # noqa: E731
    assert fresh().orders.list().first()[0].token_id == "o-1"
    assert [one.token_id for one in fresh().orders.list()] == ["o-1"]
    stream = fresh().stream(["binance:BTC-USDT"])
    assert isinstance(next(stream), BookMessage)
    del stream
    gc.collect()
    assert {one.ident for one in threading.enumerate()} <= before, "nobody is left: the thread has ended"


def test_a_failures_traceback_is_the_callers(client: sync.TwapClient) -> None:
    with pytest.raises(NotFound) as caught:
        client.orders.get("o-9")
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not [name for name in files if "concurrent" in name or "_transport" in name], files


def test_out_of_reach_it_is_not_said_to_be_open(server: ScriptedServer, client: sync.TwapClient) -> None:
    made = client.orders.submit(request("o-1"))
    asyncio.run_coroutine_threadsafe(server.stop(), server.loop).result(10)  # type: ignore[attr-defined]
    with pytest.raises(StillOpen, match=r"'o-1' is closed is not known after 0\.5 s: cannot reach"):
        client.orders.wait_until_closed(made, timeout=0.5)


def test_what_is_shown_says_what_to_do_with_it(server: ScriptedServer, client: sync.TwapClient) -> None:
    assert server.url in repr(client)
    assert "first()" in repr(client.orders.list())
