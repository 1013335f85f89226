-- Messages that are fetched: off a queue, or as files under a prefix. What a file says stays in its bucket.

ALTER TABLE inlets
    -- The ARN of a queue, or `s3://<bucket>/<prefix>`. NULL: messages are sent.
    ADD COLUMN source text,
    -- When fetching last did not fail.
    ADD COLUMN fetched_at timestamptz,
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN last_failure text,
    -- When the last message was sent, if more wait; NULL: as far as is known, none does.
    ADD COLUMN behind_since timestamptz;

ALTER TABLE inlet_messages
    -- By its source's own clock.
    ADD COLUMN sent_at timestamptz,
    -- Where in the bucket it is.
    ADD COLUMN object text;
