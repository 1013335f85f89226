-- Intakes whose order has recorded nothing yet: small, because the first record deletes the row. The sweeper starts the rest.
-- The email's keyed hash waits here too, so that it never travels through the workflow.
CREATE TABLE pending_intakes (
    order_id text COLLATE "C" PRIMARY KEY,
    -- When it was placed last.
    received_at timestamptz NOT NULL DEFAULT now(),
    customer_email_hash text COLLATE "C",
    -- The sweeper looks again from this time on, later each time.
    leased_until timestamptz NOT NULL DEFAULT now(),
    attempts bigint NOT NULL DEFAULT 0
);
CREATE INDEX pending_intakes_due ON pending_intakes (leased_until, order_id);

-- What each order began as, by the rules (its core, and its policy): with its events, all that its document says. No name, address,
-- token or free text.
CREATE TABLE order_beginnings (
    order_id text COLLATE "C" PRIMARY KEY,
    beginning jsonb NOT NULL
);

-- What people asked of an order and it did, for 30 days: a command that comes again is the same command.
CREATE TABLE order_commands (
    order_id text COLLATE "C" NOT NULL,
    command_id text COLLATE "C" NOT NULL,
    body_hash text NOT NULL,
    version bigint NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, command_id)
);
CREATE INDEX order_commands_by_age ON order_commands (taken_at);

-- What lists and searches read: a projection, overwritten by every record. No name, address or email.
CREATE TABLE orders (
    order_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    channel text NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    customer_email_hash text COLLATE "C",
    currency text NOT NULL,
    total_minor bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    needs_attention boolean NOT NULL,
    hold_reasons text[] NOT NULL,
    -- Business time: when the order's next wait is over, and whatever runs it must have been heard of. Null: it is over.
    next_wait_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX orders_newest ON orders (placed_at DESC, order_id DESC);
CREATE INDEX orders_by_status ON orders (status, placed_at DESC, order_id DESC);
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at DESC, order_id DESC);
CREATE INDEX orders_by_email ON orders (customer_email_hash, placed_at DESC) WHERE customer_email_hash IS NOT NULL;
CREATE INDEX orders_updated ON orders (updated_at);
CREATE INDEX orders_waiting ON orders (next_wait_at) WHERE next_wait_at IS NOT NULL;
CREATE INDEX orders_needing_someone ON orders (placed_at DESC) WHERE needs_attention OR hold_reasons <> '{}';

-- Which orders hold a SKU: its own table, because lines do not change with every record.
CREATE TABLE order_skus (
    sku text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (sku, order_id)
);

-- The associate's queue, read per facility and status, soonest first.
CREATE TABLE fulfillment_orders (
    fulfillment_order_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    delivery_method text NOT NULL,
    ship_by timestamptz,
    -- The order's.
    placed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX fulfillment_orders_queue
    ON fulfillment_orders (facility_id, status, coalesce(ship_by, 'infinity'), placed_at, fulfillment_order_id);
CREATE INDEX fulfillment_orders_by_order ON fulfillment_orders (order_id);

-- Which order a carrier's number belongs to. Not unique: carriers use numbers again after some years. Keys are how numbers and carriers
-- are compared: as people write them, they never match.
CREATE TABLE parcels (
    parcel_id text COLLATE "C" PRIMARY KEY,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    carrier text COLLATE "C",
    tracking_number text COLLATE "C",
    status text NOT NULL,
    -- NULL: any.
    carrier_key text COLLATE "C",
    tracking_key text COLLATE "C",
    -- Business time: since when it has had its number, and when it was delivered, lost or back.
    numbered_at timestamptz,
    ended_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX parcels_by_number ON parcels (tracking_key) WHERE tracking_key IS NOT NULL;
