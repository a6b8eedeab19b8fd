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
  status text NOT NULL DEFAULT 'pending',
  items json NOT NULL,
  total_price numeric(12,2),
  rejection json,
  cancelled_by text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  confirmed_at timestamptz,
  rejected_at timestamptz,
  cancelled_at timestamptz,
  released_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX orders_of_account ON orders (account, id);
-- What settle_orders looks for: orders on their way, and cancelled ones that hold stock.
CREATE INDEX orders_unsettled ON orders (created_at)
  WHERE status = 'pending' OR (status = 'cancelled' AND released_at IS NULL);

-- Every rule of an order's row, in one compiled function: PostgreSQL parses the expressions of
-- CHECK constraints and of a trigger's WHEN anew in each statement, and these eleven took half of
-- the time of an insert.
CREATE FUNCTION legal_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'pending' THEN
      RAISE EXCEPTION 'order % cannot begin as %', NEW.id, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'legal_transition';
    END IF;
  ELSIF NEW.status <> OLD.status AND NOT (
    (OLD.status = 'pending' AND NEW.status IN ('confirmed', 'rejected', 'cancelled'))
    OR (OLD.status = 'confirmed' AND NEW.status = 'cancelled')
  ) THEN
    RAISE EXCEPTION 'order % cannot go from % to %', NEW.id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'legal_transition';
  END IF;
  IF NOT (
    (NEW.confirmed_at IS NOT NULL) = (NEW.total_price IS NOT NULL)
    AND coalesce(NEW.total_price >= 0, true)
    AND (NEW.status = 'rejected') = (NEW.rejected_at IS NOT NULL)
    AND (NEW.status = 'rejected') = (NEW.rejection IS NOT NULL)
    AND (NEW.status = 'cancelled') = (NEW.cancelled_at IS NOT NULL)
    AND (NEW.status = 'cancelled') = (NEW.cancelled_by IS NOT NULL)
    AND coalesce(NEW.cancelled_by IN ('customer', 'system'), true)
    AND (NEW.status <> 'confirmed' OR NEW.confirmed_at IS NOT NULL)
    AND (NEW.status NOT IN ('pending', 'rejected') OR NEW.confirmed_at IS NULL)
    AND (NEW.released_at IS NULL OR NEW.status = 'cancelled')
  ) THEN
    RAISE EXCEPTION 'order % does not fit its status, %', NEW.id, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'whole_order';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER legal_order BEFORE INSERT OR UPDATE ON orders
  FOR EACH ROW EXECUTE FUNCTION legal_order();

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
    op.execute("DROP FUNCTION legal_order")
