-- Figures on orders: what the projector has made of the events so far. All of it can be made anew from these.

-- Each time they are made anew, everything stands once more under another generation, until that has caught up and is read in place of the one
-- before it.
CREATE TABLE insight_generations (
    generation integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- By which definitions it counts.
    definitions integer NOT NULL,
    -- The life of the outbox in which it began.
    epoch bigint NOT NULL,
    -- The outbox is counted up to there.
    position text COLLATE "C" NOT NULL DEFAULT '0-0-0',
    is_live boolean NOT NULL DEFAULT false,
    begun_at timestamptz NOT NULL DEFAULT now(),
    -- Since when it is read, or has been; NULL: it has not caught up yet.
    live_at timestamptz
);
CREATE UNIQUE INDEX insight_generations_live ON insight_generations (is_live) WHERE is_live;

-- No name, address, text or customer is in any of these.
CREATE TABLE fact_orders (
    generation integer NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    channel text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    placed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    promised_date date,
    lines_placed bigint NOT NULL,
    units_placed bigint NOT NULL,
    value_placed_minor bigint NOT NULL,
    sourcing_asked_at timestamptz,
    approved_at timestamptz,
    sourced_at timestamptz,
    released_at timestamptz,
    packed_at timestamptz,
    shipped_at timestamptz,
    delivered_at timestamptz,
    ended_at timestamptz,
    units_ordered bigint NOT NULL,
    units_cancelled_by_request bigint NOT NULL,
    units_cancelled bigint NOT NULL,
    units_delivered bigint NOT NULL,
    units_returned bigint NOT NULL,
    shipments bigint NOT NULL,
    facilities_shipped bigint NOT NULL,
    one_facility_had_all boolean NOT NULL,
    units_troubled bigint NOT NULL,
    shipped_minor bigint NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    captured_ahead_minor bigint NOT NULL,
    mismatch_minor bigint,
    PRIMARY KEY (generation, order_id)
);
CREATE INDEX fact_orders_by_day ON fact_orders (generation, placed_at);

CREATE TABLE fact_fulfillments (
    generation integer NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    delivery_method text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    ship_by timestamptz,
    released_at timestamptz,
    accepted_at timestamptz,
    picking_at timestamptz,
    packed_at timestamptz,
    shipped_at timestamptz,
    handed_over_at timestamptz,
    delivered_at timestamptz,
    units_released bigint NOT NULL,
    units_given_back bigint NOT NULL,
    shipped_minor bigint NOT NULL
);
CREATE INDEX fact_fulfillments_by_order ON fact_fulfillments (generation, order_id);

CREATE TABLE fact_lines (
    generation integer NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    units_ordered bigint NOT NULL,
    units_cancelled bigint NOT NULL,
    units_cancelled_by_request bigint NOT NULL,
    units_filled bigint NOT NULL,
    units_shipped bigint NOT NULL,
    units_delivered bigint NOT NULL,
    units_returned bigint NOT NULL,
    units_released bigint NOT NULL,
    units_given_back bigint NOT NULL,
    units_backordered bigint NOT NULL,
    due_minor bigint NOT NULL
);
CREATE INDEX fact_lines_by_order ON fact_lines (generation, order_id);

-- What is counted of each order: the very orders behind a sum. Whatever an order has none of is empty, and a bucket -1.
CREATE TABLE insight_counts (
    cell timestamptz NOT NULL,
    sum bigint NOT NULL,
    generation integer NOT NULL,
    n integer NOT NULL,
    bucket smallint NOT NULL,
    measure text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL
);
CREATE INDEX insight_counts_of_order ON insight_counts (generation, order_id);
-- Entries that are equal take no more room than one: readers put the orders of a quarter of an hour in order themselves.
CREATE INDEX insight_counts_of_measure ON insight_counts (generation, measure, cell);

-- Their sums, by quarters of an hour.
CREATE TABLE insight_cells (
    cell timestamptz NOT NULL,
    generation integer NOT NULL,
    n bigint NOT NULL,
    sum bigint NOT NULL,
    bucket smallint NOT NULL,
    measure text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    PRIMARY KEY (generation, measure, cell, channel, facility_id, currency, reason, bucket)
) WITH (fillfactor = 80);

-- Orders whose events nobody can read: they are in no figure, until something happens to them again.
CREATE TABLE insight_unread (
    generation integer NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    why text NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, order_id)
);

-- The views that analysts read: which of them were made last.
CREATE TABLE insight_views (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    digest text NOT NULL
);
