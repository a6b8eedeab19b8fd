"""The accounts, their sessions, and how often somebody has tried to sign in."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
CREATE TABLE accounts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  name text CHECK (length(name) BETWEEN 1 AND 200),
  role text NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'admin')),
  -- Never anything but argon2id, as its own text form.
  password_hash text NOT NULL CHECK (starts_with(password_hash, '$argon2id$')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email));

-- A row is a family of refresh tokens: of each sign-in one, whatever is rotated later. A token has
-- two halves, and both are here as SHA-256 alone. The first finds the row, the second says which
-- of the family's tokens it is: one that may be used, the one that was used last, or an old one.
CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  family_hash bytea NOT NULL UNIQUE CHECK (length(family_hash) = 32),
  live_hashes bytea[] NOT NULL CHECK (cardinality(live_hashes) BETWEEN 1 AND 8),
  spent_hash bytea CHECK (length(spent_hash) = 32),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  rotated_at timestamptz,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  revoked_at timestamptz,
  CHECK ((spent_hash IS NULL) = (rotated_at IS NULL)),
  CHECK (NOT spent_hash = ANY (live_hashes))
);
CREATE INDEX sessions_of_account ON sessions (account_id);
CREATE INDEX sessions_age ON sessions (expires_at);

-- A session that has been revoked stays so: no statement can bring it back.
CREATE FUNCTION revoked_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'session % was revoked', OLD.id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'revoked_for_good';
END
$$;
CREATE TRIGGER revoked_for_good BEFORE UPDATE ON sessions
  FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL) EXECUTE FUNCTION revoked_for_good();

-- By the SHA-256 of the e-mail address, whether or not there is such an account: what somebody
-- typed into the wrong field is not kept. `free_at` is when all attempts are free again; each
-- moves it on by the time in which one is given back.
CREATE TABLE login_attempts (
  email_hash bytea PRIMARY KEY CHECK (length(email_hash) = 32),
  free_at timestamptz NOT NULL
);
CREATE INDEX login_attempts_age ON login_attempts (free_at);
"""


def upgrade() -> None:
    """Create the schema."""
    op.execute(SCHEMA)


def downgrade() -> None:
    """Drop the schema."""
    op.execute("DROP TABLE login_attempts, sessions, accounts")
    op.execute("DROP FUNCTION revoked_for_good")
