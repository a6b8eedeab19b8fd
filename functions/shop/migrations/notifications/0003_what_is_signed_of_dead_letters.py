"""Of a dead letter it is kept whether its source had signed it."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what is there already it is not known."""
    op.execute("ALTER TABLE dead_letters ADD COLUMN verified boolean")


def downgrade() -> None:
    """Drop the column."""
    op.execute("ALTER TABLE dead_letters DROP COLUMN verified")
