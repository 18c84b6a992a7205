"""Give assets their canonical names where an exchange uses others: stored orders keep their meaning.

Kraken's ``LUNA`` is ``LUNC`` elsewhere. An order that was accepted for it goes on as an order for it; what an
order's user wrote (``symbol``) stays. Instrument lists are a cache: those concerned are loaded anew.
"""

import json
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RENAMED: Mapping[str, Mapping[str, str]] = {
    "kraken": {"LUNA": "LUNC", "LUNA2": "LUNA", "UST": "USTC", "REP": "REPV1", "REPV2": "REP"},
    "coinbase": {"CGLD": "CELO"},
}
_ORDERS = sa.table(
    "orders",
    sa.column("order_id", sa.Text),
    sa.column("instrument_exchange", sa.Text),
    sa.column("instrument_symbol", sa.Text),
    sa.column("legs", sa.Text),
)
_ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    """Rename the instruments of orders, and forget the lists."""
    changed = sa.text(
        "UPDATE orders SET instrument_symbol = :symbol, legs = :legs WHERE order_id = :order_id"
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(*_ORDERS.c).where(_may_be_concerned())).fetchall()
    renamed = [after for row in rows if (after := _renamed(row)) is not None]
    for first in range(0, len(renamed), _ROWS_AT_ONCE):
        connection.execute(changed, renamed[first : first + _ROWS_AT_ONCE])
    for exchange in _RENAMED:
        op.execute(f"DELETE FROM instruments WHERE exchange = '{exchange}'")


def downgrade() -> None:
    """Not possible: two of the older names may have become one of the newer."""
    raise RuntimeError("this schema cannot be taken back: restore a backup made before the upgrade")


def _may_be_concerned() -> sa.ColumnElement[bool]:
    """Orders whose instruments name one of the assets: few, where there are many orders."""
    names = {name for names in _RENAMED.values() for name in names}
    return sa.or_(
        *(column.contains(name) for name in names for column in (_ORDERS.c.legs, _ORDERS.c.instrument_symbol))
    )


def _renamed(row: sa.Row[tuple[str, str, str, str]]) -> Mapping[str, str] | None:
    legs = [{**leg, "symbol": _canonical(leg["exchange"], leg["symbol"])} for leg in json.loads(row.legs)]
    symbol = row.instrument_symbol
    if symbol is not None:
        symbol = _canonical(row.instrument_exchange, symbol)
    if symbol == row.instrument_symbol and legs == json.loads(row.legs):
        return None
    return {"order_id": row.order_id, "symbol": symbol, "legs": json.dumps(legs)}


def _canonical(exchange: str, symbol: str) -> str:
    names = _RENAMED.get(exchange, {})
    return "-".join(names.get(asset, asset) for asset in symbol.split("-"))
