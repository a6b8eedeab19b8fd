"""A word index of one product in 128: it says how far a search has to look."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index, while the table is written."""
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS products_search_sample"
            " ON products USING gin (search) WITH (fastupdate = off)"
            " WHERE (hashint8(id) & 127) = 0"
        )


def downgrade() -> None:
    """Drop the index."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS products_search_sample")
