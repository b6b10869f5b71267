-- What became of deliveries that left no other row: not used, not readable. `id` is made of the delivery, so that its
-- repetition is the same. Bounded by age and by number.
CREATE TABLE delivery (
  id      TEXT PRIMARY KEY,
  at      INTEGER NOT NULL,
  source  TEXT NOT NULL,
  topic   TEXT NOT NULL,
  name    TEXT NOT NULL,
  verdict TEXT NOT NULL,
  reason  TEXT
) WITHOUT ROWID, STRICT;
