"""The words that products have, remembered as they come."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE known_words (word text COLLATE "C" PRIMARY KEY);

-- Sorted, so that two that add the same words do not wait for one another.
CREATE FUNCTION know_added_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO known_words
  SELECT DISTINCT lexeme COLLATE "C" FROM added, unnest(tsvector_to_array(added.search)) AS lexeme
  ORDER BY 1
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER know_added_words AFTER INSERT ON products
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION know_added_words();

-- A sale sets none of these columns, and does not come by here.
CREATE FUNCTION know_changed_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO known_words
  SELECT lexeme COLLATE "C" FROM unnest(tsvector_to_array(NEW.search)) AS lexeme
  ORDER BY 1
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER know_changed_words AFTER UPDATE OF name, category, description ON products
  FOR EACH ROW WHEN (OLD.search IS DISTINCT FROM NEW.search)
  EXECUTE FUNCTION know_changed_words();
"""


def upgrade() -> None:
    """Make the table, and the triggers that fill it from now on."""
    op.execute(_UP)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TRIGGER know_added_words ON products")
    op.execute("DROP TRIGGER know_changed_words ON products")
    op.execute("DROP FUNCTION know_added_words, know_changed_words")
    op.execute("DROP TABLE known_words")
