"""Where the products begin of words that were known before their places were kept."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PLACES = """
CREATE TEMPORARY TABLE IF NOT EXISTS places (
  word text COLLATE "C" PRIMARY KEY,
  highest_id bigint, first_name text, lowest_price numeric(12,2), highest_price numeric(12,2)
)
"""
_READ = """
INSERT INTO places
SELECT lexeme COLLATE "C", max(id | 16383), min(lower(name)), min(price), max(price)
FROM products, unnest(tsvector_to_array(search)) AS lexeme GROUP BY 1
ON CONFLICT DO NOTHING
"""
# What no product has any more is bounded too, and by nothing but its id.
_WRITE = """
DO $$ BEGIN LOOP
  WITH next AS (
    SELECT word FROM known_words WHERE NOT bounded ORDER BY word LIMIT 1000 FOR UPDATE
  )
  UPDATE known_words AS known SET
    bounded = true,
    highest_id = greatest(known.highest_id, places.highest_id, 0),
    first_name = least(known.first_name, places.first_name),
    lowest_price = least(known.lowest_price, places.lowest_price),
    highest_price = greatest(known.highest_price, places.highest_price)
  FROM next LEFT JOIN places USING (word) WHERE known.word = next.word;
  EXIT WHEN NOT FOUND;
  COMMIT;
END LOOP; END $$
"""


def upgrade() -> None:
    """Read the products once, then write a thousand words at a time.

    Nobody waits for long who adds a product meanwhile. Neither takes the other's place away: the
    triggers and this both only widen what is there.
    """
    with op.get_context().autocommit_block():
        op.execute(_PLACES)
        op.execute(_READ)
        op.execute(_WRITE)


def downgrade() -> None:
    """Nothing: the columns go with the migration before."""
