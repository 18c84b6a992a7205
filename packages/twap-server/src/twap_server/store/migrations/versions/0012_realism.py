"""Keep an order's realism, what each of its slices saw when it was sent, and what that cost."""

import sqlalchemy as sa
from alembic import op

from twap_server.store.columns import ExactDecimal

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was there before took no time, so it cost nothing: where the spread is known, that is known."""
    op.add_column("orders", sa.Column("realism", sa.Text(), nullable=True))
    op.add_column("slices", sa.Column("sent", sa.Text(), nullable=True))
    op.add_column("order_costs", sa.Column("latency", ExactDecimal(), nullable=True))
    op.execute("UPDATE order_costs SET latency = 0 WHERE spread IS NOT NULL")


def downgrade() -> None:
    """Not possible: an older server would let slices arrive at once."""
    raise RuntimeError("this schema cannot be taken back: restore a backup made before the upgrade")
