-- Returns: the document, its timeline, and what of each is on hand because it was put back. No name, address or email.
CREATE TABLE returns (
    return_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    needs_attention boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    doc jsonb NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX returns_newest ON returns (opened_at DESC, return_id DESC);
CREATE INDEX returns_by_order ON returns (order_id, opened_at DESC, return_id DESC);
CREATE INDEX returns_by_status ON returns (status, opened_at DESC, return_id DESC);

CREATE TABLE return_events (
    return_id text COLLATE "C" NOT NULL REFERENCES returns,
    seq bigint NOT NULL,
    -- Computed: see order_events.
    id uuid NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (return_id, seq)
);

CREATE TABLE return_goods (
    return_id text COLLATE "C" NOT NULL REFERENCES returns,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    restocked bigint NOT NULL CONSTRAINT return_restocked_range CHECK (restocked >= 0),
    PRIMARY KEY (return_id, facility_id, sku)
);
