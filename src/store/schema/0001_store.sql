-- The Store object, version 1. It holds a handful of settings; permits, breakers and caches live in its memory.

CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID, STRICT;
