"""The cache of instruments keeps every digit of every field."""

import json
from dataclasses import fields, replace
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from twap_models import InstrumentKind
from twap_server.domain.errors import StoreConflict
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.store.database import Database
from twap_server.store.instruments import SqlInstrumentStore
from twap_server.store.tables import instruments as table

BTC = Instrument(
    id=InstrumentId("kraken", "BTC-USD"),
    native="XBT/USD",
    base="BTC",
    quote="USD",
    tick_size=Decimal("0.10"),
    lot_size=Decimal("1E-8"),
    min_quantity=Decimal("0.00005"),
    min_notional=Decimal("1E+1"),
    status="trading",
    aliases=("XBTUSD", "XXBTZUSD"),
)
PEPE = replace(BTC, id=InstrumentId("kraken", "PEPE-EUR"), tick_size=Decimal("1E-30"), aliases=())


async def test_round_trip(database: Database) -> None:
    store = SqlInstrumentStore(database)
    assert await store.load("kraken") == {}
    await store.save("kraken", [BTC, PEPE])
    found = await store.load("kraken")
    assert found == {"BTC-USD": BTC, "PEPE-EUR": PEPE}
    assert str(found["BTC-USD"].tick_size) == "0.10"
    assert type(found["BTC-USD"].id) is InstrumentId
    assert {field.name for field in fields(Instrument)} == {field.name for field in fields(found["BTC-USD"])}


async def test_a_perpetual_comes_back_as_it_was(database: Database) -> None:
    store = SqlInstrumentStore(database)
    perpetual = replace(
        BTC,
        id=InstrumentId("okx", "BTC-USD-PERP"),
        kind=InstrumentKind.PERPETUAL,
        settle="USDC",
        multiplier=Decimal("0.010"),
        price_digits=5,
        whole_prices=True,
    )
    await store.save("okx", [perpetual])
    assert await store.load("okx") == {"BTC-USD-PERP": perpetual}


async def test_what_an_older_server_saved_is_spot(database: Database) -> None:
    store = SqlInstrumentStore(database)
    await store.save("kraken", [BTC])
    new = {"kind", "settle", "multiplier", "price_digits", "whole_prices"}
    async with database.transaction() as connection:
        body = json.loads((await connection.execute(select(table.c.body))).scalar_one())
        old = {name: value for name, value in body.items() if name not in new}
        assert len(old) == len(body) - len(new)
        await connection.execute(update(table).values(body=json.dumps(old)))
    found = (await store.load("kraken"))["BTC-USD"]
    assert found == BTC
    assert (found.kind, found.settle, found.multiplier) == (InstrumentKind.SPOT, "USD", 1)
    assert (found.price_digits, found.whole_prices) == (0, False)


async def test_saving_replaces_one_exchange_only(database: Database) -> None:
    store = SqlInstrumentStore(database)
    other = replace(BTC, id=InstrumentId("okx", "BTC-USD"))
    await store.save("kraken", [BTC, PEPE])
    await store.save("okx", [other])
    await store.save("kraken", [PEPE])
    assert await store.load("kraken") == {"PEPE-EUR": PEPE}
    assert await store.load("okx") == {"BTC-USD": other}
    await store.save("okx", [])
    assert await store.load("okx") == {}


async def test_a_failed_save_keeps_what_was_known(database: Database) -> None:
    store = SqlInstrumentStore(database)
    await store.save("kraken", [BTC])
    with pytest.raises(StoreConflict):
        await store.save("kraken", [PEPE, PEPE])
    assert await store.load("kraken") == {"BTC-USD": BTC}
