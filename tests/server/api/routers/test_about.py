"""What a server tells of itself to anybody."""

from dataclasses import replace

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import CHEAP, Desk, build
from twap_models import DemoAccount, MarketMode, RegistrationMode, ServerInfo, __version__
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.reports_itself import SelfReport
from twap_server.domain.clock import to_datetime


async def test_a_server_of_exchanges(desk: Desk) -> None:
    answer = await desk.http.get("/server")
    told = ServerInfo.from_json(answer.content)
    assert told == ServerInfo(
        name="twap-server",
        version=__version__,
        time=to_datetime(desk.clock.now()),
        market=MarketMode.LIVE,
        registration=RegistrationMode.OPEN,
    )
    assert answer.json()["demo"] is None


@pytest.mark.parametrize("mode", list(MarketMode))
async def test_a_server_says_whose_prices_it_has_and_gives_its_public_account(mode: MarketMode) -> None:
    account = DemoAccount(username="demo", password="demo-password")
    services = build(ApiConfig(passwords=CHEAP, registration=RegistrationMode.CLOSED))[0]
    app = create_app(replace(services, self_report=SelfReport(market=mode, demo=account)))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as http:
        told = (await http.get("/server")).json()
    assert (told["market"], told["registration"], told["oidc"]) == (mode.value, "closed", False)
    assert told["demo"] == {"username": "demo", "password": "demo-password"}
