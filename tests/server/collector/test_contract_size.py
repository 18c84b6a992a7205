"""A contract that changes its size while its book is collected: readers see base currency all the same."""

from dataclasses import replace
from decimal import Decimal

from support.collector.parts import until
from support.exchanges import case_of
from support.exchanges.loopback import collected
from twap_models.enums import InstrumentKind
from twap_server.domain.market.instrument import InstrumentId

ONE = InstrumentId("okx", "BTC-USDT-PERP")
SWAP = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "settleCcy": "USDT",
    "ctType": "linear",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "tickSz": "0.1",
    "lotSz": "0.1",
    "minSz": "0.1",
    "state": "live",
}


async def test_the_book_is_counted_by_the_newest_list() -> None:
    okx, entry = case_of("okx"), dict(SWAP)
    opens = tuple(one.replace("BTC-USDT", "BTC-USDT-SWAP") for one in okx.opens)
    case = replace(okx, entry=entry, opens=opens, kind=InstrumentKind.PERPETUAL)
    async with collected(case, status_refresh_s=1) as (_, market):
        market.hold(ONE, "test")
        assert (await market.wait_live(ONE, 10)).bids == ((Decimal("60000.1"), Decimal("0.015")),)
        entry["ctVal"] = "0.1"

        def bids() -> object:
            shown = market.view(ONE, 5)
            return shown and shown.bids

        await until(lambda: bids() == ((Decimal("60000.1"), Decimal("0.15")),))
