-- One row a feed run: what was read, what became of it. `through_row` is the last row applied: a batch sent twice counts once.
CREATE TABLE feeds (
    feed_id uuid PRIMARY KEY,
    kind text NOT NULL,
    source text NOT NULL,
    as_of timestamptz,
    mode text NOT NULL,
    status text NOT NULL DEFAULT 'running' CONSTRAINT feed_status_known CHECK (status IN ('running', 'finished', 'failed')),
    through_row bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    -- Rows whose position nobody can tell: a full snapshot with one of them cannot say what it left out.
    unreadable bigint NOT NULL DEFAULT 0,
    failure text,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

-- Rows a feed could not take, with the reason. Not the row itself: an order's row has a name and an address.
CREATE TABLE feed_rejects (
    feed_id uuid NOT NULL REFERENCES feeds ON DELETE CASCADE,
    row_number bigint NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (feed_id, row_number)
);

-- Positions a full stock snapshot has named so far; what it leaves out is set to 0 when it finishes, and the rows go.
CREATE TABLE feed_positions (
    feed_id uuid NOT NULL REFERENCES feeds ON DELETE CASCADE,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    PRIMARY KEY (feed_id, facility_id, sku)
);
