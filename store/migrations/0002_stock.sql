-- One row a position: the row whose lock decides who gets the last unit. Half of each page stays free so that a hot row's
-- many versions are reused in place.
CREATE TABLE stock (
    facility_id text COLLATE "C" NOT NULL CONSTRAINT stock_facility_known REFERENCES facilities,
    sku text COLLATE "C" NOT NULL CONSTRAINT stock_product_known REFERENCES products,
    -- May be negative: a sale that happened is a fact, even where the count says otherwise.
    on_hand bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0 CONSTRAINT stock_reserved_range CHECK (reserved >= 0),
    unavailable bigint NOT NULL DEFAULT 0 CONSTRAINT stock_unavailable_range CHECK (unavailable >= 0),
    safety_stock bigint NOT NULL DEFAULT 0 CONSTRAINT stock_safety_range CHECK (safety_stock >= 0),
    oversell_limit bigint NOT NULL DEFAULT 0 CONSTRAINT stock_oversell_range CHECK (oversell_limit >= 0),
    -- Units reserved beyond what is there because of facts. Only facts raise it: an oversale by mistake stays visible.
    deficit bigint NOT NULL DEFAULT 0 CONSTRAINT stock_deficit_range CHECK (deficit >= 0),
    -- The last count, and the last that said what is unavailable: what happened before it, it has seen.
    counted_as_of timestamptz NOT NULL DEFAULT '-infinity',
    unavailable_as_of timestamptz NOT NULL DEFAULT '-infinity',
    -- The last transaction that raised availability: tells a plan made before it that it is out of date.
    raised_by xid8,
    available bigint NOT NULL GENERATED ALWAYS AS (on_hand - reserved - unavailable - safety_stock + oversell_limit) STORED,
    PRIMARY KEY (facility_id, sku)
) WITH (fillfactor = 50);
CREATE INDEX stock_by_sku ON stock (sku, facility_id);
CREATE INDEX stock_deficits ON stock (facility_id, sku) WHERE deficit > 0;

-- The ledger: whatever moves units has a row here, with its cause. No foreign key to stock: the check would lock the position's row a
-- second time, in another mode.
CREATE TABLE stock_movements (
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    movement_id bigint GENERATED ALWAYS AS IDENTITY,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    unavailable bigint NOT NULL,
    cause text NOT NULL,
    order_id text COLLATE "C",
    reference text,
    -- Business time: when it happened in the world.
    occurred_at timestamptz NOT NULL,
    -- False: it happened before the count that stood there when it was told. It is kept, and moved nothing.
    moved boolean NOT NULL DEFAULT true,
    -- Of facts: counts as of an earlier time get it added, the others have seen it. What orders ship happens after the count that stood
    -- there, whatever its time says. NULL: counts, and what is reserved.
    effective_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (facility_id, sku, movement_id)
);
CREATE INDEX stock_movements_of_facts ON stock_movements (facility_id, sku, effective_at) WHERE effective_at IS NOT NULL;

-- What the last count of each position did, so that it can be taken back.
CREATE TABLE stock_counts (
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    counted_as_of timestamptz NOT NULL,
    on_hand bigint NOT NULL,
    unavailable bigint NOT NULL,
    -- Of the position, before it.
    counted_before timestamptz NOT NULL,
    unavailable_before timestamptz NOT NULL,
    PRIMARY KEY (facility_id, sku)
) WITH (fillfactor = 70);

-- Goods received, each once: by their own id, or by time, position and ordinal among equals of a file.
CREATE TABLE receipts (
    receipt_id text COLLATE "C",
    received_at timestamptz NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    ordinal bigint NOT NULL,
    quantity bigint NOT NULL CONSTRAINT receipt_quantity_range CHECK (quantity > 0),
    feed_id uuid NOT NULL
);
CREATE UNIQUE INDEX receipts_by_id ON receipts (receipt_id) WHERE receipt_id IS NOT NULL;
CREATE UNIQUE INDEX receipts_by_ordinal ON receipts (received_at, facility_id, sku, ordinal) WHERE receipt_id IS NULL;

-- Every adjustment, by the id of its sender or the one that it got before the first try: sent twice, it counts once.
CREATE TABLE adjustments (
    adjustment_id text COLLATE "C" PRIMARY KEY,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL,
    unavailable bigint NOT NULL,
    reason text NOT NULL,
    adjusted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX adjustments_by_age ON adjustments (adjusted_at);
