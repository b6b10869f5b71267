-- The Store object, version 1. It holds a handful of settings; permits, breakers and caches live in its memory.

CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- Codes of coupon pools. `errand` names the step of the run that took one, so that a second try gets the same.
CREATE TABLE coupon (
  pool     TEXT NOT NULL,
  code     TEXT NOT NULL,
  errand   TEXT,
  taken_at INTEGER,
  PRIMARY KEY (pool, code),
  CHECK ((errand IS NULL) = (taken_at IS NULL))
) WITHOUT ROWID, STRICT;

CREATE UNIQUE INDEX coupon_errand ON coupon (errand) WHERE errand IS NOT NULL;

-- The codes that are left: found without reading those that are gone.
CREATE INDEX coupon_free ON coupon (pool) WHERE errand IS NULL;
