"""Keep an order's strategy, the curve of each plan, and the volume that a ``pov`` order has seen."""

import sqlalchemy as sa
from alembic import op

from twap_server.store.columns import ExactDecimal

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was there before is TWAP: a straight line, no volume."""
    op.add_column("orders", sa.Column("strategy", sa.Text(), nullable=False, server_default="twap"))
    op.add_column("orders", sa.Column("parameters", sa.Text(), nullable=True))
    op.add_column("order_plans", sa.Column("curve", sa.Text(), nullable=True))
    for table in ("orders", "order_events"):
        op.add_column(table, sa.Column("traded_total", ExactDecimal(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Not possible: an older server would work every order as a straight line."""
    raise RuntimeError("this schema cannot be taken back: restore a backup made before the upgrade")
