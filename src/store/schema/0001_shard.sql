-- A shard, version 1. Reasons: docs/schema.md. Every statement ends with a semicolon at the end of a line.
-- All tables are WITHOUT ROWID, so that a row is one b-tree entry and is billed once; STRICT, so that a value of
-- the wrong type is an error here and not later. Long columns stand last: a scan that stops before them never
-- reads their overflow pages.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE contact (
  contact_id TEXT PRIMARY KEY,
  due        INTEGER,
  queue      TEXT,
  failures   INTEGER NOT NULL,
  moved_at   INTEGER,
  doc        TEXT NOT NULL,
  CHECK ((due IS NULL) = (queue IS NULL))
) WITHOUT ROWID, STRICT;

-- The one secondary index: what is due, by queue. Contacts that wait for nothing are not in it.
CREATE INDEX contact_due ON contact (queue, due) WHERE due IS NOT NULL;

CREATE TABLE event (
  contact_id  TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  at          INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  body        TEXT NOT NULL,
  PRIMARY KEY (contact_id, event_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE orders (
  contact_id    TEXT NOT NULL,
  order_key     TEXT NOT NULL,
  status        TEXT NOT NULL,
  status_at     INTEGER NOT NULL,
  placed_at     INTEGER NOT NULL,
  number        TEXT,
  total         TEXT,
  currency      TEXT,
  attributed_to TEXT,
  items         TEXT NOT NULL,
  PRIMARY KEY (contact_id, order_key),
  CHECK ((total IS NULL) = (currency IS NULL))
) WITHOUT ROWID, STRICT;

CREATE TABLE enrollment (
  contact_id    TEXT NOT NULL,
  enrollment_id TEXT NOT NULL,
  journey       TEXT NOT NULL,
  key           TEXT NOT NULL,
  started_at    INTEGER NOT NULL,
  ended_at      INTEGER NOT NULL,
  step          TEXT NOT NULL,
  reason        TEXT NOT NULL,
  detail        TEXT,
  arms          TEXT,
  holdout       INTEGER NOT NULL,
  goal_at       INTEGER,
  PRIMARY KEY (contact_id, enrollment_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE message (
  contact_id    TEXT NOT NULL,
  message_id    TEXT NOT NULL,
  state         TEXT NOT NULL,
  due_at        INTEGER NOT NULL,
  settled_at    INTEGER,
  clicked_at    INTEGER,
  attempt       INTEGER NOT NULL,
  journey       TEXT NOT NULL,
  enrollment_id TEXT NOT NULL,
  step          TEXT NOT NULL,
  email         TEXT NOT NULL,
  variant       TEXT NOT NULL,
  stream        TEXT NOT NULL,
  lane          TEXT NOT NULL,
  provider      TEXT,
  provider_id   TEXT,
  reason        TEXT,
  PRIMARY KEY (contact_id, message_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE dispatch (
  dispatch_id TEXT PRIMARY KEY,
  provider    TEXT NOT NULL,
  key         TEXT NOT NULL,
  attempt     INTEGER NOT NULL,
  generation  INTEGER NOT NULL,
  first_at    INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  next_at     INTEGER,
  members     TEXT NOT NULL,
  request     BLOB NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE directory (
  hash       TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  contact_id TEXT NOT NULL,
  since      INTEGER NOT NULL,
  closed_at  INTEGER
) WITHOUT ROWID, STRICT;

CREATE TABLE parked (
  hash     TEXT NOT NULL,
  event_id TEXT NOT NULL,
  until    INTEGER NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (hash, event_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE forward (
  id       TEXT PRIMARY KEY,
  target   TEXT NOT NULL,
  kind     TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at  INTEGER NOT NULL,
  body     TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE suppression (
  hash   TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  at     INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE outbox_mail (
  id      TEXT PRIMARY KEY,
  sent_at INTEGER NOT NULL,
  body    TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE dead_letter (
  id     TEXT PRIMARY KEY,
  at     INTEGER NOT NULL,
  what   TEXT NOT NULL,
  reason TEXT NOT NULL,
  body   TEXT NOT NULL
) WITHOUT ROWID, STRICT;
