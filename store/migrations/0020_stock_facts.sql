-- What facilities say about stock by giving units back, each fact booked once, with what it moved. Until `offered_again_at` the
-- facility is not given that line of that order again: NULL is until a later count or receipt there, or for ever (see `reason`).
CREATE TABLE stock_facts (
    order_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    quantity bigint NOT NULL,
    on_hand bigint NOT NULL,
    unavailable bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    offered_again_at timestamptz,
    PRIMARY KEY (order_id, seq, line_id)
);
CREATE INDEX stock_facts_standing ON stock_facts (sku, facility_id) WHERE offered_again_at IS NULL;

-- Reservations that must give way, because a fact left fewer units than are reserved; until the order has taken notice.
CREATE TABLE stock_shorts (
    short_id text COLLATE "C" PRIMARY KEY DEFAULT gen_random_uuid()::text,
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT short_quantity_range CHECK (quantity > 0)
);
CREATE INDEX stock_shorts_by_position ON stock_shorts (sku, facility_id);
CREATE INDEX stock_shorts_by_order ON stock_shorts (order_id);
-- Who holds units of a position: only asked where units are missing.
CREATE INDEX reservations_by_position ON reservations (sku, facility_id) WHERE allocated > 0;
CREATE INDEX stock_grants_by_position ON stock_grants (sku, facility_id);
