"""Where in each order of the catalogue the products of a word begin."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = """
-- No product with the word has a higher id, an earlier name, a lower or a higher price. `bounded`
-- says whether that is so of all products, or only of those that came since.
ALTER TABLE known_words
  ADD COLUMN bounded boolean NOT NULL DEFAULT false,
  ADD COLUMN highest_id bigint,
  ADD COLUMN first_name text,
  ADD COLUMN lowest_price numeric(12,2),
  ADD COLUMN highest_price numeric(12,2);
-- A word that is not here yet no product has.
ALTER TABLE known_words ALTER COLUMN bounded SET DEFAULT true;
"""
# It writes only words whose places change, which are few: what is written is locked, and all
# products of a category have words in common. Ids are rounded up to the last of 16,384, so that
# a new product does not move each of its words. Sorted, so that two do not wait for one another.
_KNOW = """
  INSERT INTO known_words AS known (word, highest_id, first_name, lowest_price, highest_price)
  SELECT came.* FROM ({came}) AS came LEFT JOIN known_words AS there USING (word)
  WHERE there.highest_id IS NULL
    OR came.highest_id > there.highest_id OR came.first_name < there.first_name
    OR came.lowest_price < there.lowest_price OR came.highest_price > there.highest_price
  ORDER BY came.word
  ON CONFLICT (word) DO UPDATE SET
    highest_id = greatest(known.highest_id, excluded.highest_id),
    first_name = least(known.first_name, excluded.first_name),
    lowest_price = least(known.lowest_price, excluded.lowest_price),
    highest_price = greatest(known.highest_price, excluded.highest_price);
"""
_ADDED = """
  SELECT lexeme COLLATE "C" AS word, max(id | 16383) AS highest_id,
    min(lower(name)) AS first_name, min(price) AS lowest_price, max(price) AS highest_price
  FROM added, unnest(tsvector_to_array(search)) AS lexeme GROUP BY 1
"""
_CHANGED = """
  SELECT lexeme COLLATE "C" AS word, NEW.id | 16383 AS highest_id,
    lower(NEW.name) AS first_name, NEW.price AS lowest_price, NEW.price AS highest_price
  FROM unnest(tsvector_to_array(NEW.search)) AS lexeme
"""
_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {body} RETURN NULL;
END $$;
"""
_TRIGGERS = """
CREATE TRIGGER {prefix}_added_words AFTER INSERT ON products
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION {prefix}_added_words();
-- A sale sets none of these columns, and does not come by here.
CREATE TRIGGER {prefix}_changed_words AFTER UPDATE OF {columns} ON products
  FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION {prefix}_changed_words();
"""
_TEXT = "name, category, description"
_NEW_TEXT = "OLD.search IS DISTINCT FROM NEW.search"
_MOVED = "OLD.name IS DISTINCT FROM NEW.name OR OLD.price IS DISTINCT FROM NEW.price"


def upgrade() -> None:
    """Keep the places from now on, by triggers in the place of those that only know words.

    No writer of products is on its way while they are exchanged. The functions of the old ones
    stay, without use.
    """
    op.execute(_COLUMNS)
    op.execute(_FUNCTION.format(name="place_added_words", body=_KNOW.format(came=_ADDED)))
    op.execute(_FUNCTION.format(name="place_changed_words", body=_KNOW.format(came=_CHANGED)))
    op.execute("DROP TRIGGER know_added_words ON products")
    op.execute("DROP TRIGGER know_changed_words ON products")
    columns, changed = f"{_TEXT}, price", f"{_NEW_TEXT} OR {_MOVED}"
    op.execute(_TRIGGERS.format(prefix="place", columns=columns, changed=changed))


def downgrade() -> None:
    """Know words without their places."""
    op.execute("DROP TRIGGER place_added_words ON products")
    op.execute("DROP TRIGGER place_changed_words ON products")
    op.execute("DROP FUNCTION place_added_words, place_changed_words")
    op.execute(_TRIGGERS.format(prefix="know", columns=_TEXT, changed=_NEW_TEXT))
    op.execute(
        "ALTER TABLE known_words DROP COLUMN bounded, DROP COLUMN highest_id,"
        " DROP COLUMN first_name, DROP COLUMN lowest_price, DROP COLUMN highest_price"
    )
