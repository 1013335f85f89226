-- One row a feed run: what was read, what became of it. `through_row` is the last row applied: a batch sent twice counts once.
CREATE TABLE feeds (
    feed_id uuid PRIMARY KEY,
    kind text NOT NULL,
    source text NOT NULL,
    as_of timestamptz,
    -- Whether the sender said so: the same file sent later is the same snapshot all the same.
    as_of_said boolean NOT NULL,
    mode text NOT NULL,
    picked_units text NOT NULL,
    status text NOT NULL DEFAULT 'running' CONSTRAINT feed_status_known
        CHECK (status IN ('running', 'parked', 'applying', 'finished', 'rejected', 'failed')),
    through_row bigint NOT NULL DEFAULT 0,
    -- Rows of a stock snapshot that were read and are not applied: not yet, or never.
    waiting bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    -- Rows whose position nobody can tell: a full snapshot with one of them cannot say what it left out.
    unreadable bigint NOT NULL DEFAULT 0,
    failure text,
    -- How many rows its sender says there are, at its beginning and at its end.
    expected_rows bigint,
    trailer_rows bigint,
    -- When it was read to its end. From then on whoever is there works on a stock snapshot.
    read_at timestamptz,
    -- Its last sign of life.
    worked_at timestamptz NOT NULL DEFAULT now(),
    -- How far a full snapshot's absent positions were kept, and its counts weighed.
    absent_facility_id text COLLATE "C" NOT NULL DEFAULT '',
    absent_sku text COLLATE "C" NOT NULL DEFAULT '',
    weighed_facility_id text COLLATE "C" NOT NULL DEFAULT '',
    weighed_sku text COLLATE "C" NOT NULL DEFAULT '',
    -- Of the counts weighed so far: the same for the same rows, whatever their batches were.
    counts_digest numeric NOT NULL DEFAULT 0,
    -- Of a snapshot that was parked: what it would change, what tells the same file from another, and until when somebody may decide.
    parked jsonb,
    digest text,
    decide_by timestamptz,
    decided_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX feeds_not_ended ON feeds (status) WHERE status IN ('running', 'parked', 'applying');

-- Rows a feed could not take, with the reason. Not the row itself: an order's row has a name and an address.
CREATE TABLE feed_rejects (
    feed_id uuid NOT NULL REFERENCES feeds ON DELETE CASCADE,
    row_number bigint NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (feed_id, row_number)
);

-- How many rows without an id a receipts feed has had of each time and position, while it is read: it numbers equal ones.
CREATE TABLE feed_receipts (
    feed_id uuid NOT NULL REFERENCES feeds ON DELETE CASCADE,
    received_at timestamptz NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (feed_id, received_at, facility_id, sku)
) WITH (fillfactor = 70);

-- What a stock snapshot says of each position, until it is applied: it is judged as a whole first. A position has the last row that
-- names it.
CREATE TABLE feed_counts (
    feed_id uuid NOT NULL REFERENCES feeds ON DELETE CASCADE,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    -- Number of the row; NULL: none that can be taken names it.
    n bigint,
    -- NULL: a row names it wrongly. It was not left out, and stays as it is.
    on_hand bigint,
    safety_stock bigint,
    oversell_limit bigint,
    unavailable bigint,
    PRIMARY KEY (feed_id, facility_id, sku)
);

-- What a snapshot would change at each of its facilities, as far as its counts were weighed.
CREATE TABLE feed_facilities (
    feed_id uuid NOT NULL REFERENCES feeds ON DELETE CASCADE,
    facility_id text COLLATE "C" NOT NULL,
    positions bigint NOT NULL,
    units_before bigint NOT NULL,
    units_after bigint NOT NULL,
    units_changed bigint NOT NULL,
    -- The largest changes.
    largest jsonb NOT NULL,
    PRIMARY KEY (feed_id, facility_id)
);
