"""The app on a real engine, for many examples; and strange bodies, instruments and books."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal

from httpx import ASGITransport, AsyncClient, Response
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from support import examples
from support.api.desk import CHEAP, KEY, Desk
from support.api.fake_orders import MemoryOrders
from support.api.fakes import HandMarket, listed
from support.clocks import HandClock
from support.stores.accounts import MemoryAccounts
from support.stores.costs import MemoryCosts
from support.stores.orders import MemoryStore
from support.stores.proofs import MemoryProofs
from support.trading import HandBook
from twap_models import exact_json
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.services import build_services
from twap_server.domain.errors import ExchangeUnavailable, UnknownSymbol
from twap_server.domain.market.instrument import UNUSABLE, Instrument, InstrumentId
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine
from twap_server.feed.bus import Bus

GOOD = {"symbol": "BTC-USDT", "exchange": "binance", "quantity": "1", "duration": "10m", "interval": "1m"}
STRANGE = InstrumentId("binance", "ODD-USDT")
OTHER = InstrumentId("kraken", "ODD-USDT")


class StrangeMarket(HandMarket):
    """What engine and API see: good instruments, and strange ones."""

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[InstrumentId, HandBook] = {}
        self.away: set[str] = set()
        """Exchanges whose lists are not known."""

    def find_instrument(self, exchange: str, spelling: str) -> Instrument:
        if exchange in self.away:
            raise ExchangeUnavailable(f"the instruments of {exchange} are not known yet")
        return super().find_instrument(exchange, spelling)

    def find_everywhere(self, spelling: str) -> list[Instrument]:
        found = [
            one for listed in self.listed.values() for one in listed.values() if one.id.symbol == spelling
        ]
        if not found:
            raise UnknownSymbol(f"no exchange lists {spelling[:40]!r}")
        return found

    def live_book(self, instrument: InstrumentId) -> HandBook | None:
        return self.live.get(instrument)

    def traded_since(self, instrument: InstrumentId, since: int) -> Decimal:
        return Decimal(1)

    def traded(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        return Decimal(1), Decimal(1)

    def is_proven(self, exchange: str) -> bool:
        return True

    def taker_fee(self, exchange: str) -> Decimal:
        return Decimal("0.001")

    def published_fee(self, instrument: InstrumentId) -> Decimal | None:
        return None

    def trading_status(self, instrument: InstrumentId) -> str:
        return "trading"


@dataclass
class Place:
    """The app on a real engine, for many examples."""

    runner: asyncio.Runner
    market: StrangeMarket
    http: AsyncClient
    headers: dict[str, str]
    working: "asyncio.Task[None]"
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))

    def post(self, path: str, body: object) -> Response:
        sent = exact_json.dumps(body) if not isinstance(body, bytes) else body
        headers = {**self.headers, "Content-Type": "application/json"}
        return self.runner.run(self.http.post(path, content=sent, headers=headers))

    def order(self, **fields: object) -> dict[str, object]:
        return {"token_id": f"t{next(self.numbers)}", **GOOD, **fields}


@contextmanager
def opened() -> Iterator[Place]:
    clock, bus, accounts, market = HandClock(), Bus(), MemoryAccounts(), StrangeMarket()
    numbers = iter(range(10**9))
    engine = Engine(
        store=MemoryStore(),
        market=market,
        events=bus,
        clock=clock,
        config=EngineConfig(),
        new_id=lambda: f"o{next(numbers)}",
    )
    records = MemoryOrders(bus, clock)
    services = build_services(
        orders=engine,
        records=records,
        costs=MemoryCosts(records.orders_of),
        proofs=MemoryProofs(records),
        accounts=accounts,
        market=market,
        bus=bus,
        clock=clock,
        signing_key=KEY,
        config=ApiConfig(passwords=CHEAP),
    )
    app = create_app(services)
    transport = ASGITransport(app, raise_app_exceptions=False, client=("10.0.0.1", 1234))
    with asyncio.Runner() as runner:
        http = AsyncClient(transport=transport, base_url="http://testserver")
        headers = runner.run(Desk(app, services, accounts, market, records, clock, http).user())
        loop = runner.get_loop()
        working = loop.create_task(engine.run())
        runner.run(engine.ready.wait())
        yield Place(runner, market, http, headers, working)
        assert not working.done(), "the engine works on"
        working.cancel()
        runner.run(http.aclose())


FIGURES = st.sampled_from(
    [
        "0",
        "-1",
        "-0.01",
        "1e-18",
        "1e-19",
        "1e-60",
        "1e18",
        "1e19",
        "1e60",
        "0.1",
        "3",
        "0.00000007",
        "1e3",
        "0.00001",
        "123456789012345678901234567890",
        "1234567890123456789012345678901.5",
        "1e-8",
    ]
).map(Decimal)
TEXTS = st.sampled_from(
    [
        "1",
        "0.000000000000000001",
        "1e5",
        "9" * 18,
        "1." + "3" * 17,
        "0.0000000001",
        "1" * 30,
        "9" * 400,
        "0." + "0" * 300 + "1",
        "100",
        "101",
        "0",
        "9" * 30,
        "0." + "9" * 18,
    ]
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "quantity",
            "price",
            "interval",
            "slices",
            "duration",
            "randomize",
            "participation_cap",
            "symbol",
            "max_slippage_bps",
            "start_time",
            "end_time",
            "carry",
            "fidelity",
            "late_start",
            "side",
            "exchange",
        ]
    ),
    st.one_of(
        FIGURES,
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.text(max_size=12),
        st.text("0123456789+-.eE", max_size=8),
        st.sampled_from(
            ["now", "+15m", "+10000d", "ODD-USDT", "aggregate", "kraken", "l1", "sell", "skip", "last"]
        ),
        st.sampled_from(
            ["2199-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "10s", "1h"]
        ),
        st.lists(st.integers(), max_size=2),
    ),
    max_size=4,
)
INSTRUMENTS = st.builds(
    lambda figures, status, digits: replace(
        listed("binance", "ODD-USDT"),
        price_digits=digits,
        tick_size=figures[0],
        lot_size=figures[1],
        min_quantity=figures[2],
        min_notional=figures[3],
        status=status,
    ),
    st.tuples(FIGURES, FIGURES, FIGURES, FIGURES),
    st.sampled_from(["trading", "trading", "halt", "limit_only", UNUSABLE]),
    st.sampled_from([0, 0, 1, 5]),
)
SIDES = st.lists(st.tuples(TEXTS, TEXTS), max_size=3)


QUIET = settings(
    max_examples=examples.of(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
