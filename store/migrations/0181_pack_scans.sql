-- What is scanned at pack benches: each scan once, by its id. A session ends when its fulfillment order is packed; what is unpacked is counted
-- again in the next one.
CREATE TABLE pack_sessions (
    fulfillment_order_id text COLLATE "C" NOT NULL,
    session bigint NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (fulfillment_order_id, session)
);
CREATE INDEX pack_sessions_by_age ON pack_sessions (began_at);

CREATE TABLE pack_scans (
    fulfillment_order_id text COLLATE "C" NOT NULL,
    scan_id text COLLATE "C" NOT NULL,
    session bigint NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    result text NOT NULL,
    -- Units by line: counted, or taken back.
    units jsonb NOT NULL,
    actor_id text,
    scanned_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (fulfillment_order_id, scan_id),
    FOREIGN KEY (fulfillment_order_id, session) REFERENCES pack_sessions ON DELETE CASCADE
);
CREATE INDEX pack_scans_of_session ON pack_scans (fulfillment_order_id, session, number);
