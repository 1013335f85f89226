-- How functions hand rows to each other. Functions are no migrations: see ../functions.
CREATE TYPE stock_move AS (
    facility_id text,
    sku text,
    on_hand bigint,
    reserved bigint,
    unavailable bigint,
    cause text,
    order_id text,
    reference text,
    occurred_at timestamptz
);

-- What becomes of a position, in units more or less; a level or time that is NULL stays as it is.
CREATE TYPE position_change AS (
    facility_id text,
    sku text,
    on_hand bigint,
    reserved bigint,
    unavailable bigint,
    safety_stock bigint,
    oversell_limit bigint,
    counted_as_of timestamptz,
    unavailable_as_of timestamptz
);

CREATE TYPE unit_position AS (
    fulfillment_order_id text,
    line_id text,
    facility_id text,
    sku text,
    quantity bigint
);

CREATE TYPE position_units AS (
    facility_id text,
    sku text,
    quantity bigint
);

CREATE TYPE reservation_change AS (
    fulfillment_order_id text,
    line_id text,
    facility_id text,
    sku text,
    old_allocated bigint,
    old_consumed bigint,
    new_allocated bigint,
    new_consumed bigint
);

CREATE TYPE stock_count AS (
    n bigint,
    facility_id text,
    sku text,
    on_hand bigint,
    safety_stock bigint,
    oversell_limit bigint,
    unavailable bigint
);

CREATE TYPE receipt_row AS (
    n bigint,
    receipt_id text,
    received_at timestamptz,
    facility_id text,
    sku text,
    quantity bigint,
    ordinal bigint
);

CREATE TYPE adjustment_row AS (
    n bigint,
    adjustment_id text,
    facility_id text,
    sku text,
    quantity bigint,
    unavailable bigint,
    reason text,
    occurred_at timestamptz,
    told_at timestamptz
);

CREATE TYPE row_result AS (n bigint, result text);

-- Which functions stand in this database: one row at most.
CREATE TABLE applied_functions (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Of their text.
    digest text NOT NULL,
    -- Goes up with each change that an older build must not take back.
    contract integer NOT NULL,
    signatures text[] NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
