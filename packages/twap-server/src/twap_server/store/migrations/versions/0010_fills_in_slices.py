"""Keep a slice's fills in the slice's own row; what was kept in rows of their own is moved there.

``fills`` is a view from now on: the same columns and rows for who reads them with SQL.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOVE = {
    "sqlite": """
        UPDATE slices SET fills = (
            SELECT json_group_array(json(one)) FROM (
                SELECT json_array(
                    fill_id, time, exchange, price, quantity, fee, book_seq, book_time
                ) AS one
                FROM fills
                WHERE fills.order_id = slices.order_id AND fills.slice_index = slices.slice_index
                ORDER BY n
            )
        )
        WHERE EXISTS (
            SELECT 1 FROM fills
            WHERE fills.order_id = slices.order_id AND fills.slice_index = slices.slice_index
        )
    """,
    "postgresql": """
        UPDATE slices SET fills = moved.fills FROM (
            SELECT order_id, slice_index, json_agg(
                json_build_array(
                    fill_id, time, exchange, price::text, quantity::text, fee::text, book_seq, book_time
                ) ORDER BY n
            )::text AS fills
            FROM fills GROUP BY order_id, slice_index
        ) AS moved
        WHERE slices.order_id = moved.order_id AND slices.slice_index = moved.slice_index
    """,
}
_VIEW = {
    "sqlite": """
        CREATE VIEW fills AS
        SELECT
            json_extract(one.value, '$[0]') AS fill_id, slices.order_id AS order_id,
            slices.slice_index AS slice_index, one.key AS n, json_extract(one.value, '$[1]') AS time,
            json_extract(one.value, '$[2]') AS exchange, json_extract(one.value, '$[3]') AS price,
            json_extract(one.value, '$[4]') AS quantity, json_extract(one.value, '$[5]') AS fee,
            json_extract(one.value, '$[6]') AS book_seq, json_extract(one.value, '$[7]') AS book_time
        FROM slices JOIN json_each(slices.fills) AS one
        WHERE slices.fills IS NOT NULL
    """,
    "postgresql": """
        CREATE VIEW fills AS
        SELECT
            one.value->>0 AS fill_id, slices.order_id, slices.slice_index, (one.number - 1)::integer AS n,
            (one.value->>1)::bigint AS time, one.value->>2 AS exchange,
            (one.value->>3)::numeric AS price, (one.value->>4)::numeric AS quantity,
            (one.value->>5)::numeric AS fee, (one.value->>6)::bigint AS book_seq,
            (one.value->>7)::bigint AS book_time
        FROM slices, json_array_elements(slices.fills::json) WITH ORDINALITY AS one(value, number)
        WHERE slices.fills IS NOT NULL
    """,
}


def upgrade() -> None:
    """Move the fills, then put the view in their table's place."""
    dialect = op.get_bind().dialect.name
    op.add_column("slices", sa.Column("fills", sa.Text(), nullable=True))
    op.execute(_MOVE[dialect])
    op.drop_table("fills")
    op.execute(_VIEW[dialect])


def downgrade() -> None:
    """Not possible: an older server would add to a table that is not there."""
    raise RuntimeError("this schema cannot be taken back: restore a backup made before the upgrade")
