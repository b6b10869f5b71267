-- Where the polls of shops stand, a row for each list: JSON of a `Poll`.
CREATE TABLE poll (
  feed TEXT PRIMARY KEY,
  body TEXT NOT NULL
) WITHOUT ROWID, STRICT;
