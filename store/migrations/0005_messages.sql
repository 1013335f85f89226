-- Messages to running orders, at least once: written in the transaction that has something to say, delivered by a relay.
CREATE TABLE order_inbox (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    attempts bigint NOT NULL DEFAULT 0,
    -- Due from this time on: a relay that dies gives its messages back by doing nothing, and one that failed comes later and later.
    leased_until timestamptz NOT NULL DEFAULT now(),
    -- Why the last attempt failed.
    failure text,
    -- Since when nobody tries it any more: a dead letter, which stays until a person has it tried again.
    dead_at timestamptz
);
CREATE INDEX order_inbox_due ON order_inbox (leased_until, message_id) WHERE dead_at IS NULL;
CREATE INDEX order_inbox_dead ON order_inbox (message_id) WHERE dead_at IS NOT NULL;

-- Every carrier event once, by the carrier's own key; those of numbers nobody knows yet are parked.
CREATE TABLE carrier_events (
    carrier text COLLATE "C" NOT NULL,
    tracking_number text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    parked boolean NOT NULL,
    -- See parcels. No carrier is ''.
    carrier_key text COLLATE "C" NOT NULL,
    tracking_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (tracking_key, carrier_key, event_id)
);
CREATE INDEX carrier_events_by_age ON carrier_events (received_at);

-- The lives of the outbox: in each, transaction ids only grow. A new one begins with every other server, and when an operator says so.
CREATE TABLE outbox_epochs (
    epoch bigint PRIMARY KEY,
    server_identity text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    -- When the stock's marks, which are transaction ids of the life before, had been cleared.
    cleared_at timestamptz
);
INSERT INTO outbox_epochs (epoch, server_identity, cleared_at)
SELECT 1, system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), now() FROM pg_control_system();

-- The outbox: every event of every order. Readers go by (epoch, xid, event_id) and stop below the oldest transaction still open,
-- so that no row can appear behind a reader's back. Events of no order, which speak of the outbox itself, have an empty order_id.
CREATE TABLE order_events (
    order_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    -- Of an order's event computed from what happened and where in the timeline, not when: whoever decides the same again arrives at it.
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    event_id bigint GENERATED ALWAYS AS IDENTITY,
    -- See begin_epoch(): whoever writes an event need not know.
    epoch bigint NOT NULL DEFAULT 1,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, seq)
);
CREATE INDEX order_events_in_order ON order_events (epoch, xid, event_id);

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
