-- When something should be heard of a return that has not ended, as of an order: see orders.next_wait_at and 0098_look_again.sql.
ALTER TABLE returns ADD COLUMN next_wait_at timestamptz, ADD COLUMN look_again_at timestamptz;
CREATE INDEX returns_waiting ON returns (next_wait_at) WHERE next_wait_at IS NOT NULL;
CREATE INDEX returns_to_look_after ON returns (coalesce(look_again_at, next_wait_at)) WHERE next_wait_at IS NOT NULL;

-- What has recorded before says it with its next record; until then it is looked after unless its order knows how it ended.
UPDATE returns SET next_wait_at = updated_at + interval '24 hours'
WHERE status NOT IN ('closed', 'declined', 'cancelled', 'expired', 'lost') OR doc -> 'consent' IN ('"pending"', '"given"');
