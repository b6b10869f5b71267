-- What a storefront asked on behalf of a person, and operators have to do: by hash, never by address.
CREATE TABLE privacy_request (
  id         TEXT PRIMARY KEY,
  at         INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  contact_id TEXT,
  done_at    INTEGER
) WITHOUT ROWID, STRICT;
