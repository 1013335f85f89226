-- Messages to running orders, at least once: written in the transaction that has something to say, delivered by a relay.
CREATE TABLE order_inbox (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    -- Free from this time on: a relay that dies gives its messages back by doing nothing.
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- Every carrier event once, by the carrier's own key; those of numbers nobody knows yet are parked.
CREATE TABLE carrier_events (
    carrier text COLLATE "C" NOT NULL,
    tracking_number text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    parked boolean NOT NULL,
    PRIMARY KEY (carrier, tracking_number, event_id)
);
CREATE INDEX carrier_events_by_age ON carrier_events (received_at);

-- The outbox: every event of every order. Readers go by (xid, event_id) and stop below the oldest transaction still open,
-- so that no row can appear behind a reader's back.
CREATE TABLE order_events (
    order_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    event_id bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (order_id, seq)
);
CREATE INDEX order_events_in_order ON order_events (xid, event_id);

-- Answers already given under an Idempotency-Key; `status` is NULL while the first request is under way.
CREATE TABLE idempotency_keys (
    caller text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_hash text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (begun_at);
