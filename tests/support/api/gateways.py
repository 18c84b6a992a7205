"""Two gateways over one PostgreSQL, each a whole API with its own memory, called in process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from httpx import ASGITransport, AsyncClient, Response

from support.api.desk import KEY, PASSWORD
from support.api.fake_orders import MemoryOrders
from support.api.fakes import HandMarket
from support.clocks import HandClock
from support.stores.costs import MemoryCosts
from support.stores.proofs import MemoryProofs
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.services import Services, build_services
from twap_server.clock import SystemClock
from twap_server.feed.bus import Bus
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database
from twap_server.store.shared_limits import SqlSharedLimits


@dataclass
class Gateway:
    """One of them; a caller has the address that it says."""

    services: Services

    async def post(self, path: str, *, address: str = "192.0.2.1", **content: object) -> Response:
        async with self.http(address) as http:
            return await http.post(path, **content)  # type: ignore[arg-type]

    async def sign_in(self, name: str, password: str = PASSWORD, *, address: str = "192.0.2.1") -> Response:
        form = {"username": name, "password": password}
        return await self.post("/auth/token", address=address, data=form)

    def http(self, address: str) -> AsyncClient:
        transport = ASGITransport(create_app(self.services), client=(address, 1))
        return AsyncClient(transport=transport, base_url="http://testserver")


def _services(database: Database, config: ApiConfig) -> Services:
    bus = Bus()
    orders = MemoryOrders(bus, HandClock())
    return build_services(
        orders=orders,
        records=orders,
        costs=MemoryCosts(orders.orders_of),
        proofs=MemoryProofs(orders),
        accounts=SqlAccountStore(database),
        market=HandMarket(),
        bus=bus,
        clock=SystemClock(),
        signing_key=KEY,
        config=config,
        limits=SqlSharedLimits(database),
    )


@asynccontextmanager
async def gateways(url: str, config: ApiConfig, *, many: int = 2) -> AsyncIterator[Sequence[Gateway]]:
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Database.beside(url)) for _ in range(many)]
        made = [Gateway(_services(one, config)) for one in opened]
        for one in made:
            stack.callback(one.services.threads.close)
        yield made
