-- Operations on many orders: what was asked, and how far each is. A customer's email stands here as its keyed hash alone.
CREATE TABLE bulks (
    bulk_id text COLLATE "C" PRIMARY KEY,
    -- What was asked, as JSON: the same again is the same operation.
    intake jsonb NOT NULL,
    selected bigint NOT NULL,
    -- Business time.
    started_at timestamptz NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    -- The operation as its workflow last recorded it; null: that has not begun.
    version bigint NOT NULL DEFAULT 0,
    doc jsonb,
    updated_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- The sweeper looks again whether it has a run from this time on, later each time.
    leased_until timestamptz NOT NULL DEFAULT now(),
    attempts bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE INDEX bulks_newest ON bulks (started_at DESC, bulk_id DESC);
CREATE INDEX bulks_due ON bulks (leased_until, bulk_id) WHERE ended_at IS NULL;
CREATE INDEX bulks_ended ON bulks (ended_at) WHERE ended_at IS NOT NULL;

-- The orders of each, chosen when it began, and what came of each that was asked.
CREATE TABLE bulk_orders (
    bulk_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    outcome text COLLATE "C",
    code text COLLATE "C",
    why text,
    -- Business time.
    at timestamptz,
    PRIMARY KEY (bulk_id, order_id)
) WITH (fillfactor = 80);
