"""Keep what an order was expected to cost when it was accepted."""

import sqlalchemy as sa
from alembic import op

from twap_server.store.columns import ExactDecimal

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of orders that were accepted before nothing is known."""
    op.add_column("orders", sa.Column("forecast_bps", ExactDecimal(), nullable=True))


def downgrade() -> None:
    """Drop what was added."""
    op.drop_column("orders", "forecast_bps")
