-- One row an order, locked first by everything that moves its units: versions are compared under it, and `closed_at` is
-- what keeps a late reservation from leaking.
CREATE TABLE order_guards (
    order_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    closed_at timestamptz,
    -- Whether what only an open order needs has been deleted.
    pruned boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);
CREATE INDEX order_guards_closed ON order_guards (closed_at) WHERE closed_at IS NOT NULL AND NOT pruned;

-- Units an order holds or has used up, per position. No foreign key to stock: see stock_movements.
CREATE TABLE reservations (
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    allocated bigint NOT NULL CONSTRAINT reservation_allocated_range CHECK (allocated >= 0),
    consumed bigint NOT NULL DEFAULT 0 CONSTRAINT reservation_consumed_range CHECK (consumed >= 0),
    PRIMARY KEY (order_id, fulfillment_order_id, line_id, facility_id, sku)
);

-- Units an order waits for, served in the order of the index by the transaction that raises availability.
CREATE TABLE waiting_units (
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT waiting_quantity_range CHECK (quantity > 0),
    priority integer NOT NULL,
    placed_at timestamptz NOT NULL,
    -- Takes nothing by itself: the order is told, and plans again as a whole.
    whole_order boolean NOT NULL,
    -- Empty: any facility that ships.
    only_at text[] NOT NULL,
    -- For people. The order's own timer decides: only it knows business time.
    expires_at timestamptz,
    PRIMARY KEY (order_id, fulfillment_order_id, line_id)
);
CREATE INDEX waiting_in_order ON waiting_units (sku, priority DESC, placed_at, order_id);

-- Units given to a waiting order that does not know it yet. Held under their own id until a record says that it was seen,
-- so that what the order decides meanwhile can neither release nor double them.
CREATE TABLE stock_grants (
    grant_id text COLLATE "C" PRIMARY KEY DEFAULT gen_random_uuid()::text,
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT grant_quantity_range CHECK (quantity > 0)
);
CREATE INDEX stock_grants_by_order ON stock_grants (order_id);

-- The first answer of every reservation step: a repeat gets it back and plans nothing.
CREATE TABLE reservation_steps (
    order_id text COLLATE "C" NOT NULL,
    step_key text COLLATE "C" NOT NULL,
    answer jsonb NOT NULL,
    PRIMARY KEY (order_id, step_key)
);

-- Why each unit went where it went, written with the reservation it explains.
CREATE TABLE decisions (
    order_id text COLLATE "C" NOT NULL,
    round bigint NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    decision jsonb NOT NULL,
    PRIMARY KEY (order_id, round)
);
