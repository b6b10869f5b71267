-- To whom the bytes of a claim go, by hash: a JSON list in the order of `members`. Claims of before have an empty one.
ALTER TABLE dispatch ADD COLUMN addressees TEXT NOT NULL DEFAULT '[]';
