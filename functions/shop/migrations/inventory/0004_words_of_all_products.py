"""The words of products that were there before words were remembered."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Read them, in a transaction of its own: products are written meanwhile."""
    op.execute(
        "INSERT INTO known_words"
        ' SELECT DISTINCT lexeme COLLATE "C"'
        " FROM products, unnest(tsvector_to_array(products.search)) AS lexeme"
        " ORDER BY 1 ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    """Nothing: the table goes with the migration before."""
