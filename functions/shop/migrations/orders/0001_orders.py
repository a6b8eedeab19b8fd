"""The orders: the sagas' log, its legal transitions, outbox and idempotency keys."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reservation_id uuid NOT NULL UNIQUE,
  account text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'confirmed', 'rejected', 'cancelled')),
  items json NOT NULL,
  total_price numeric(12,2) CHECK (total_price >= 0),
  rejection json,
  cancelled_by text CHECK (cancelled_by IN ('customer', 'system')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  confirmed_at timestamptz,
  rejected_at timestamptz,
  cancelled_at timestamptz,
  released_at timestamptz,
  CHECK ((confirmed_at IS NOT NULL) = (total_price IS NOT NULL)),
  CHECK ((status = 'rejected') = (rejected_at IS NOT NULL)),
  CHECK ((status = 'rejected') = (rejection IS NOT NULL)),
  CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
  CHECK ((status = 'cancelled') = (cancelled_by IS NOT NULL)),
  CHECK (status <> 'confirmed' OR confirmed_at IS NOT NULL),
  CHECK (status NOT IN ('pending', 'rejected') OR confirmed_at IS NULL),
  CHECK (released_at IS NULL OR status = 'cancelled')
) WITH (fillfactor = 80);
CREATE INDEX orders_of_account ON orders (account, id);
-- What settle_orders looks for: orders on their way, and cancelled ones that hold stock.
CREATE INDEX orders_unsettled ON orders (created_at)
  WHERE status = 'pending' OR (status = 'cancelled' AND released_at IS NULL);

CREATE FUNCTION refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'order % cannot go from % to %', NEW.id, OLD.status, NEW.status
    USING ERRCODE = 'check_violation', CONSTRAINT = 'legal_transition';
END
$$;
CREATE TRIGGER legal_transition BEFORE UPDATE OF status ON orders FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status AND NOT (
    (OLD.status = 'pending' AND NEW.status IN ('confirmed', 'rejected', 'cancelled'))
    OR (OLD.status = 'confirmed' AND NEW.status = 'cancelled')))
  EXECUTE FUNCTION refuse_transition();
CREATE TRIGGER begins_pending BEFORE INSERT ON orders FOR EACH ROW
  WHEN (NEW.status <> 'pending') EXECUTE FUNCTION refuse_transition();

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

CREATE TABLE published_tally (
  type text PRIMARY KEY,
  published bigint NOT NULL
);

CREATE TABLE idempotency_keys (
  account text NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  status smallint CHECK (status BETWEEN 200 AND 499),
  headers json,
  body text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  order_id bigint REFERENCES orders,
  PRIMARY KEY (account, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
"""


def upgrade() -> None:
    """Create the schema."""
    op.execute(SCHEMA)


def downgrade() -> None:
    """Drop the schema."""
    op.execute("DROP TABLE idempotency_keys, published_tally, outbox, orders")
    op.execute("DROP FUNCTION refuse_transition")
