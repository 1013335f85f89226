-- A stock snapshot, once all its rows are there: judged as a whole, then applied batch by batch, or parked until a person decides.

-- Units that were taken off the shelf for an order and have not left the house with it: a ledger, so that a count can ask for any time.
CREATE TABLE picks (
    pick_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    -- Business time: when they were packed; or shipped, handed over or put back (less than 0).
    occurred_at timestamptz NOT NULL
);
CREATE INDEX picks_by_position ON picks (facility_id, sku, occurred_at);
CREATE INDEX picks_by_order ON picks (order_id);
