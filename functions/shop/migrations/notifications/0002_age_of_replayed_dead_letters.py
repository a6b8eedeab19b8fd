"""Replayed dead letters are found by their age, so that they can be pruned."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index, while the table is written."""
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS dead_letters_replayed"
            " ON dead_letters (replayed_at) WHERE replayed_at IS NOT NULL"
        )


def downgrade() -> None:
    """Drop the index."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS dead_letters_replayed")
