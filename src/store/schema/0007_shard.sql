-- The marketing that bounced for good or was complained of, by when it was taken: what protection looks at at each tick
-- of cron. Most mails are never in it.
CREATE INDEX message_unwanted ON message (settled_at)
WHERE state = 'accepted' AND stream = 'marketing'
  AND (delivery ->> '$.failure' = 'hard_bounce' OR delivery ->> '$.complained_at' IS NOT NULL);
