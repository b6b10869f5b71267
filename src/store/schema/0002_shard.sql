-- What providers told of a message after they took it: JSON of a `DeliveryState`, absent until the first word.
ALTER TABLE message ADD COLUMN delivery TEXT;
