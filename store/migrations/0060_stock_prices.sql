-- What orders wanted and where they go, to a degree: what the demand to come is foretold from. No personal data; 35 days long.
CREATE TABLE recent_demand (
    order_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    country text NOT NULL,
    -- Null: an address without coordinates.
    latitude smallint,
    longitude smallint,
    quantity bigint NOT NULL CONSTRAINT demand_quantity_range CHECK (quantity > 0),
    -- Business time, as the orders have it.
    placed_at timestamptz NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX recent_demand_by_age ON recent_demand (noted_at);
CREATE INDEX recent_demand_by_time ON recent_demand (placed_at);

-- What using a unit forgoes elsewhere; a position that is not named costs nothing.
CREATE TABLE stock_prices (
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    price_milli bigint NOT NULL CONSTRAINT stock_price_range CHECK (price_milli > 0),
    PRIMARY KEY (sku, facility_id)
);

-- Which prices these are: one row at most, so that a decision can name them.
CREATE TABLE stock_price_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version text NOT NULL,
    as_of timestamptz NOT NULL
);
