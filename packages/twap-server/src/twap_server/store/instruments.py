"""Store the instruments each exchange last listed, so that a start without the exchange knows the rules."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, insert, select

from twap_models.enums import InstrumentKind
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.store.database import Database
from twap_server.store.tables import instruments as table

_DECIMALS = ("tick_size", "lot_size", "min_quantity", "min_notional")
_TEXTS = ("native", "base", "quote", "status")


class SqlInstrumentStore:
    """A cache: each save replaces what was known of that exchange."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, exchange: str, instruments: Iterable[Instrument]) -> None:
        """Replace an exchange's instruments by these.

        Raises:
            StoreConflict: two of them have the same canonical symbol; nothing was recorded.
            StoreUnavailable: nothing is known to be recorded.
        """
        rows = [
            {"exchange": exchange, "symbol": one.id.symbol, "body": json.dumps(_to_body(one))}
            for one in instruments
        ]
        async with self._database.transaction() as connection:
            await connection.execute(delete(table).where(table.c.exchange == exchange))
            if rows:
                await connection.execute(insert(table), rows)

    async def load(self, exchange: str) -> dict[str, Instrument]:
        """An exchange's instruments by canonical symbol; empty when it was never saved."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(table.c.symbol, table.c.body).where(table.c.exchange == exchange)
            )
            return {
                symbol: _to_instrument(InstrumentId(exchange, symbol), json.loads(body))
                for symbol, body in rows
            }


def _to_body(instrument: Instrument) -> dict[str, Any]:
    return {
        **{name: format(getattr(instrument, name), "f") for name in _DECIMALS},
        **{name: getattr(instrument, name) for name in _TEXTS},
        "aliases": instrument.aliases,
        "kind": instrument.kind.value,
        "settle": instrument.settle,
        "multiplier": format(instrument.multiplier, "f"),
        "price_digits": instrument.price_digits,
        "whole_prices": instrument.whole_prices,
    }


def _to_instrument(id_: InstrumentId, body: Mapping[str, Any]) -> Instrument:
    return Instrument(
        id=id_,
        native=body["native"],
        base=body["base"],
        quote=body["quote"],
        tick_size=Decimal(body["tick_size"]),
        lot_size=Decimal(body["lot_size"]),
        min_quantity=Decimal(body["min_quantity"]),
        min_notional=Decimal(body["min_notional"]),
        status=body["status"],
        aliases=tuple(body["aliases"]),
        kind=InstrumentKind(body.get("kind", InstrumentKind.SPOT)),  # older servers told only of spot
        settle=body.get("settle", ""),
        multiplier=Decimal(body.get("multiplier", "1")),
        price_digits=body.get("price_digits", 0),
        whole_prices=body.get("whole_prices", False),
    )
