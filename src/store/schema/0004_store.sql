-- The catalogue: a row for each variant that a feed or a product webhook told of, in the namespace of its source. An offer
-- that is told again as it was writes nothing. `doc` is JSON of an `Offer`; `available` is what holds now: a variant that its
-- feed lists no more keeps its document and is not there.
CREATE TABLE offer (
  space     TEXT NOT NULL,
  id        TEXT NOT NULL,
  feed      TEXT NOT NULL,
  available INTEGER NOT NULL,
  doc       TEXT NOT NULL,
  PRIMARY KEY (space, id)
) WITHOUT ROWID, STRICT;

-- A shop posts a whole product at each sale of it: without this, every post would read the whole namespace. Only of what is
-- for sale, as nothing else can be withdrawn.
CREATE INDEX offer_product ON offer (space, doc ->> 'product') WHERE available = 1;

-- How the reading of each feed stands: JSON of a `FeedState`.
CREATE TABLE feed (
  feed  TEXT PRIMARY KEY,
  state TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- What changed and people are to be told: JSON, a list of `News`. Gone once all shards were told.
CREATE TABLE offer_news (
  run  TEXT NOT NULL,
  part INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, part)
) WITHOUT ROWID, STRICT;
