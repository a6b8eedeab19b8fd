"""The notifications: what was told, the inbox that keeps it told once, and dead letters."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
CREATE TABLE notifications (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type text NOT NULL,
  title text NOT NULL,
  message text NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  subject text NOT NULL,
  traceparent text,
  event_time timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  delivered_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  -- Channels that have it, while others fail: a retry does not tell them again.
  delivered_to text[] NOT NULL DEFAULT '{}',
  next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX notifications_by_type ON notifications (type, id);
CREATE INDEX notifications_undelivered ON notifications (next_attempt_at)
  WHERE delivered_at IS NULL;

CREATE TABLE inbox (
  consumer text NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, source, event_id)
);
CREATE INDEX inbox_age ON inbox (received_at);

CREATE TABLE delivered_tally (
  type text PRIMARY KEY,
  delivered bigint NOT NULL
);

CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  destination text NOT NULL,
  error_code integer,
  error text,
  attributes json NOT NULL,
  data text NOT NULL,
  data_is_base64 boolean NOT NULL DEFAULT false,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  replayed_at timestamptz,
  UNIQUE (source, event_id, destination)
);
"""


def upgrade() -> None:
    """Create the schema."""
    op.execute(SCHEMA)


def downgrade() -> None:
    """Drop the schema."""
    op.execute("DROP TABLE dead_letters, delivered_tally, inbox, notifications")
