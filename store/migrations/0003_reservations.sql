-- One row an order, locked first by everything that moves its units: versions are compared under it, and `closed_at` is
-- what keeps a late reservation from leaking.
CREATE TABLE order_guards (
    order_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    closed_at timestamptz,
    -- Whether what only an open order needs has been deleted.
    pruned boolean NOT NULL DEFAULT false,
    -- Its place in the queue for stock: when it came, less its channel's head start. Never changes.
    rank_at timestamptz NOT NULL DEFAULT now(),
    -- Offers of stock that it left unanswered in a row, and until when it gets none.
    offers_missed bigint NOT NULL DEFAULT 0,
    no_offers_until timestamptz
) WITH (fillfactor = 70);
CREATE INDEX order_guards_closed ON order_guards (closed_at) WHERE closed_at IS NOT NULL AND NOT pruned;
CREATE INDEX order_guards_passed_by ON order_guards (no_offers_until) WHERE no_offers_until IS NOT NULL;

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

-- Units an order waits for, served in the order of the index by the transaction that makes something possible.
CREATE TABLE waiting_units (
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT waiting_quantity_range CHECK (quantity > 0),
    -- The order's.
    rank_at timestamptz NOT NULL,
    -- What comes is offered, and the order plans with it.
    plans_again boolean NOT NULL,
    -- Its order has ended its waiting, and plans it again just now: it keeps its place until then.
    planning boolean NOT NULL DEFAULT false,
    -- Less than all of it is no use.
    all_or_nothing boolean NOT NULL,
    -- Empty: any facility that ships.
    only_at text[] NOT NULL,
    -- Where the plan would have had it from, as bits by the facilities' numbers. NULL: nobody has planned it, and it waits for what comes.
    could_have bytea,
    -- By facility: so many units were there, and the plan would rather not have them. More are another matter.
    declined jsonb NOT NULL DEFAULT '{}',
    -- What was said of a facility that has changed since is out of date.
    planned_version bigint NOT NULL,
    -- For people. The order's own timer decides: only it knows business time.
    expires_at timestamptz,
    PRIMARY KEY (order_id, fulfillment_order_id, line_id)
);
CREATE INDEX waiting_in_order ON waiting_units (sku, rank_at, order_id);

-- Units given to a waiting order that does not know it yet. Held under their own id until a record says that it was seen,
-- so that what the order decides meanwhile can neither release nor double them. Or offered to one: held until it has planned with them.
CREATE TABLE stock_grants (
    grant_id text COLLATE "C" PRIMARY KEY DEFAULT gen_random_uuid()::text,
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT grant_quantity_range CHECK (quantity > 0),
    -- NULL: it is the order's, whenever it hears of it.
    offered_until timestamptz,
    -- How many offers had been answered when it was made.
    answers_before bigint
);
CREATE INDEX stock_grants_by_order ON stock_grants (order_id);
CREATE INDEX stock_grants_offered ON stock_grants (offered_until) WHERE offered_until IS NOT NULL;
-- Counts the offers that orders have answered, without a lock.
CREATE SEQUENCE offers_answered;
SELECT nextval('offers_answered');

-- Places where those who wait are still to be served: everything there from a SKU on, or one position; at once, or from a time on.
CREATE TABLE serve_queue (
    queue_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facility_id text COLLATE "C" NOT NULL,
    -- Empty: everything there.
    only_sku text COLLATE "C" NOT NULL DEFAULT '',
    after_sku text COLLATE "C" NOT NULL DEFAULT '',
    -- Business time.
    due timestamptz NOT NULL DEFAULT '-infinity',
    -- What plans said of the place is out of date from then on.
    changes boolean NOT NULL DEFAULT false,
    queued_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX serve_queue_due ON serve_queue (due, queue_id);

-- What the last look for those who wait beside what they could have came to.
CREATE TABLE waiting_sweep (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    swept_at timestamptz NOT NULL,
    lines_beside_stock bigint NOT NULL
);
INSERT INTO waiting_sweep (swept_at, lines_beside_stock) VALUES (now(), 0);

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
