"""Instruments as the exchanges of the registry list them."""

from decimal import Decimal

from twap_server.domain.market.instrument import Instrument, InstrumentId


def instrument(exchange, base="BTC", quote="USDT"):
    tick = "0.01" if exchange == "binance" else "0.1"
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=f"{base}-{quote}" if exchange == "coinbase" else f"{base}{quote}",
        base=base,
        quote=quote,
        tick_size=Decimal(tick),
        lot_size=Decimal("0.00000001"),
        min_quantity=Decimal(0),
        min_notional=Decimal(0),
        status="trading",
    )
