"""The real app on fakes; ``desk.user()`` is somebody signed in."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from httpx import AsyncClient

from support.api.fake_orders import MemoryOrders
from support.api.fakes import HandMarket
from support.clocks import HandClock
from support.stores.accounts import MemoryAccounts
from support.stores.costs import MemoryCosts
from support.stores.proofs import MemoryProofs
from twap_server.api.config import ApiConfig, PasswordConfig
from twap_server.api.reports_itself import SelfReport
from twap_server.api.services import Services, build_services
from twap_server.feed.bus import Bus

KEY = b"k" * 32
PASSWORD = "correct horse"
CHEAP = PasswordConfig(memory_kib=8, passes=1, lanes=1)


@dataclass
class Desk:
    """The app and all it stands on."""

    app: FastAPI
    services: Services
    accounts: MemoryAccounts
    market: HandMarket
    orders: MemoryOrders
    clock: HandClock
    http: AsyncClient

    async def sign_in(self, username: str = "ada") -> dict[str, str]:
        """Register (once) and sign in; gives the token answer."""
        body = {"username": username, "password": PASSWORD}
        if username not in self.accounts.users_by_name:
            made = await self.http.post("/auth/register", json=body)
            assert made.status_code == 201, made.text
        answer = await self.http.post("/auth/token", data=body)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    async def user(self, username: str = "ada") -> dict[str, str]:
        """Headers of somebody signed in."""
        tokens = await self.sign_in(username)
        return {"Authorization": f"Bearer {tokens['access_token']}"}


def build(
    config: ApiConfig | None = None,
    *,
    market_of: Callable[[HandClock], HandMarket] = lambda _: HandMarket(),
) -> tuple[Services, MemoryAccounts, HandMarket, MemoryOrders, HandClock]:
    clock, bus, accounts = HandClock(), Bus(), MemoryAccounts()
    market = market_of(clock)
    orders = MemoryOrders(bus, clock)
    services = build_services(
        orders=orders,
        records=orders,
        costs=MemoryCosts(orders.orders_of),
        proofs=MemoryProofs(orders),
        accounts=accounts,
        market=market,
        bus=bus,
        clock=clock,
        signing_key=KEY,
        config=config or ApiConfig(passwords=CHEAP),
        self_report=SelfReport(gauges={"twap_open_orders": lambda: 3}),
    )
    market.on_trade += [services.trades.on_trade, services.live_candles.on_trade]
    return services, accounts, market, orders, clock
