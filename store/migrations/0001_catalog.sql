-- Ids compare bytewise (COLLATE "C") everywhere: locks, cursors and the code that sorts the same ids must agree on one order.

-- Where stock is and orders leave from: sourcing reads it whole, feeds replace it row by row.
CREATE TABLE facilities (
    facility_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    facility_type text NOT NULL,
    country text NOT NULL,
    city text NOT NULL,
    latitude double precision NOT NULL CONSTRAINT facility_latitude_range CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision NOT NULL CONSTRAINT facility_longitude_range CHECK (longitude BETWEEN -180 AND 180),
    timezone text NOT NULL,
    handling_cost_minor bigint NOT NULL CONSTRAINT facility_handling_cost_range CHECK (handling_cost_minor >= 0),
    -- NULL is no limit.
    daily_order_capacity bigint CONSTRAINT facility_capacity_range CHECK (daily_order_capacity >= 0),
    cutoff_local_time time NOT NULL,
    working_days text NOT NULL,
    ship_enabled boolean NOT NULL,
    pickup_enabled boolean NOT NULL,
    -- Its place in sets of facilities, without gaps.
    number bigint NOT NULL UNIQUE,
    -- The version of the facilities since when what plans say of this one holds.
    version bigint NOT NULL
);

-- Goes up whenever plans are out of date as to which places could serve whom; and the allocation rules that they are made by.
CREATE TABLE facilities_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL,
    rules_version text
);
INSERT INTO facilities_version (version) VALUES (0);

-- What can be sold: weights for sourcing, titles for those who pick. An order's own price is the one it was placed with.
CREATE TABLE products (
    sku text COLLATE "C" PRIMARY KEY,
    title text NOT NULL,
    price_minor bigint NOT NULL CONSTRAINT product_price_range CHECK (price_minor >= 0),
    currency text NOT NULL,
    weight_g bigint NOT NULL,
    length_mm bigint NOT NULL,
    width_mm bigint NOT NULL,
    height_mm bigint NOT NULL,
    CONSTRAINT product_size_range CHECK (weight_g >= 0 AND length_mm >= 0 AND width_mm >= 0 AND height_mm >= 0)
);
