-- When an offer went: no feed lists it any more, or its shop took it away. Only such rows have it, and the index, so that those
-- which went long ago are found without reading the others.
ALTER TABLE offer ADD COLUMN gone_at INTEGER;

CREATE INDEX offer_gone ON offer (gone_at) WHERE gone_at IS NOT NULL;

-- When news were kept: they are told in their order.
ALTER TABLE offer_news ADD COLUMN kept_at INTEGER NOT NULL DEFAULT 0;
