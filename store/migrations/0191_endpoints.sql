-- Where events are sent. The outbox is the queue: an endpoint has a cursor in each of 16 lanes of it, and nothing is copied but the names of
-- what failed.

CREATE TABLE endpoints (
    endpoint_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    url text NOT NULL,
    -- Empty: all.
    types text[] NOT NULL,
    -- NULL: all. An endpoint of some is told what is of them alone.
    facilities text[],
    channels text[],
    -- `order`: an event that fails holds back what comes after it of its subject. `none`: nothing waits for another.
    ordering text NOT NULL,
    -- `active`, `paused` or `disabled`.
    status text NOT NULL DEFAULT 'active',
    disabled_because text,
    -- Goes up with whatever a person says of it: who delivers reads it anew.
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Since when nothing has arrived, though something was sent.
    failing_since timestamptz,
    last_delivered_at timestamptz,
    last_failed_at timestamptz,
    last_failure text,
    -- The receiver has asked for it.
    left_alone_until timestamptz,
    delivered bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- What it is signed with follows from these ids and the house's own key: no secret is kept.
CREATE TABLE endpoint_secrets (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    secret_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (endpoint_id, secret_id)
);

CREATE TABLE endpoint_lanes (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    lane smallint NOT NULL,
    -- Everything up to here was delivered, or is held back below, or is a dead letter.
    position text NOT NULL,
    -- Everything recorded before was.
    told_through timestamptz NOT NULL DEFAULT now(),
    -- It was set back, for events of these types (empty: all), and tells all the others from here on only.
    replay_until text,
    replay_types text[],
    owner uuid,
    leased_until timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (endpoint_id, lane)
) WITH (fillfactor = 50);

-- Which servers deliver: each takes its share of the lanes.
CREATE TABLE outlet_servers (
    server_id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- What failed, with all that comes after it of its subject and lies behind the lane's cursor; or one event by itself (`event/<id>`).
CREATE TABLE endpoint_retries (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    held text COLLATE "C" NOT NULL,
    lane smallint NOT NULL,
    -- Of the first event that is to be delivered.
    position text NOT NULL,
    attempts integer NOT NULL,
    -- NULL: nothing is held back, and the next event is to say which were given up.
    next_at timestamptz,
    since timestamptz NOT NULL DEFAULT now(),
    failure text,
    gap text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (endpoint_id, held)
);
CREATE INDEX endpoint_retries_due ON endpoint_retries (endpoint_id, next_at) WHERE next_at IS NOT NULL;

-- Given up: listed, counted, and sent again when a person says so.
CREATE TABLE endpoint_dead_letters (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    event_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    lane smallint NOT NULL,
    position text NOT NULL,
    attempts integer NOT NULL,
    failure text NOT NULL,
    dead_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (endpoint_id, event_id)
);

-- Every attempt of the last days.
CREATE TABLE endpoint_deliveries (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    delivery_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    event_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    attempt integer NOT NULL,
    delivered boolean NOT NULL,
    status integer,
    took_ms integer NOT NULL,
    -- The first of what the receiver answered, or why there was no answer; of what failed.
    answer text
);
CREATE INDEX endpoint_deliveries_newest ON endpoint_deliveries (endpoint_id, delivery_id);
CREATE INDEX endpoint_deliveries_by_age ON endpoint_deliveries (at);

-- What was held back is read by its subject.
CREATE INDEX order_events_of_subject ON order_events (subject) WHERE subject IS NOT NULL;
