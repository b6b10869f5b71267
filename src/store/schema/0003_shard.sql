-- The ledger of consent: one row for each change of an address's consent, with all that proves it. `address` is the keyed
-- hash of the address; `said` is what the signal says, `state` what holds from it on.
CREATE TABLE consent (
  contact_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  address TEXT NOT NULL,
  state TEXT NOT NULL,
  said TEXT NOT NULL,
  grade TEXT NOT NULL,
  method TEXT,
  text TEXT,
  ip TEXT,
  agent TEXT,
  actor TEXT,
  PRIMARY KEY (contact_id, event_id)
) WITHOUT ROWID, STRICT;
