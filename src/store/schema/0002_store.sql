-- Breakers of providers that are not closed: JSON of a `Breaker`. A fault of our settings outlives the object, or each
-- restart would cost a refused request.
CREATE TABLE breaker (
  provider TEXT PRIMARY KEY,
  body     TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- Marketing mails that a warm-up let out, a row for each of its thirty days.
CREATE TABLE warm_up (
  day     TEXT PRIMARY KEY,
  taken   INTEGER NOT NULL,
  day_max INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
