"""engine/market/own_taken.py: a user is told what their orders took, once it is recorded."""

from decimal import Decimal

from support.clocks import ALONE
from support.engine import working
from twap_models.enums import Side
from twap_server.domain.market.instrument import InstrumentId

pytestmark = ALONE
BTC = InstrumentId("binance", "BTC-USDT")


async def test_what_orders_took_is_told_to_whose_they_are_until_it_has_grown_back() -> None:
    async with working() as desk:
        book = desk.market.live_book(BTC)
        assert book is not None
        best = book.book.best_ask()
        assert best is not None
        asked = [best.price, Decimal(1)]

        def taken(user_id: str = "ada", side: Side = Side.BUY) -> object:
            return desk.engine.own_taken(user_id, BTC, side, asked)

        assert taken() == {}
        order = await desk.submit(quantity=Decimal("0.1"), interval=10_000_000_000)
        await desk.until(0.5)
        assert desk.reasons(order) == ["filled"]
        seen = taken()
        assert isinstance(seen, dict) and list(seen) == [best.price]
        assert Decimal("0.09") < seen[best.price] <= Decimal("0.1"), "some of it has grown back"
        assert taken("bob") == taken(side=Side.SELL) == {}
        await desk.until(400)
        assert taken() == {}
        desk.market.live = None
        assert taken() == {}, "without a book"
