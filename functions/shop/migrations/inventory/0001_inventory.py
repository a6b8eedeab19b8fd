"""The inventory: products, their ledger, reservations, outbox and idempotency keys."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
CREATE TABLE products (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '',
  price numeric(12,2) NOT NULL CHECK (price BETWEEN 0 AND 1000000000),
  stock bigint NOT NULL CONSTRAINT stock_is_never_negative CHECK (stock >= 0),
  category text,
  image_url text,
  low_stock_threshold integer NOT NULL DEFAULT 10 CHECK (low_stock_threshold >= 0),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at timestamptz,
  search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', name || ' ' || coalesce(category, '') || ' ' || description)) STORED
) WITH (fillfactor = 80);
-- No index holds the stock, so that a sale stays a heap-only update.
CREATE INDEX products_newest ON products (id) WHERE deleted_at IS NULL;
CREATE INDEX products_by_price ON products (price, id) WHERE deleted_at IS NULL;
CREATE INDEX products_by_name ON products (lower(name), id) WHERE deleted_at IS NULL;
CREATE INDEX products_category ON products (category, id) WHERE deleted_at IS NULL;
CREATE INDEX products_category_price ON products (category, price, id) WHERE deleted_at IS NULL;
CREATE INDEX products_category_name ON products (category, lower(name), id)
  WHERE deleted_at IS NULL;
CREATE INDEX products_search ON products USING gin (search) WITH (fastupdate = off);

CREATE TABLE reservations (
  id uuid PRIMARY KEY,
  status text NOT NULL CHECK (status IN ('held', 'refused', 'released')),
  lines jsonb NOT NULL,
  answer_status smallint,
  answer json,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  released_at timestamptz,
  CHECK ((status = 'released') = (released_at IS NOT NULL)),
  -- Only a tombstone, the release of what was never reserved, has no answer.
  CHECK (answer IS NOT NULL OR status = 'released')
);

CREATE TABLE stock_movements (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id bigint NOT NULL REFERENCES products,
  change bigint NOT NULL CHECK (change <> 0),
  reason text NOT NULL CHECK (reason IN ('initial', 'restock', 'stock_take', 'sale', 'release')),
  reservation_id uuid,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((reason IN ('sale', 'release')) = (reservation_id IS NOT NULL))
);
-- A reservation takes and gives back each product once.
CREATE UNIQUE INDEX stock_movements_once
  ON stock_movements (reservation_id, product_id, reason) WHERE reservation_id IS NOT NULL;

CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  aggregatetype text NOT NULL,
  aggregateid text NOT NULL,
  type text NOT NULL,
  payload json NOT NULL,
  traceparent text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  published_at timestamptz
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;

CREATE TABLE idempotency_keys (
  account text NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  status smallint CHECK (status BETWEEN 200 AND 499),
  headers json,
  body text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (account, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
"""


def upgrade() -> None:
    """Create the schema."""
    op.execute(SCHEMA)


def downgrade() -> None:
    """Drop the schema."""
    op.execute("DROP TABLE idempotency_keys, outbox, stock_movements, reservations, products")
