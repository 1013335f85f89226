-- Where others send messages to: signed, each once by its own id. What they said is kept in DynamoDB for 30 days, never here, since it may name
-- people.

CREATE TABLE inlets (
    inlet_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    -- What its messages are feeds of.
    kind text NOT NULL,
    -- A table of columns, as TOML, for messages that are foreign CSV; and which one of those it has had.
    mapping text,
    mapping_version integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- See endpoint_secrets.
CREATE TABLE inlet_secrets (
    inlet_id text COLLATE "C" NOT NULL REFERENCES inlets ON DELETE CASCADE,
    secret_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (inlet_id, secret_id)
);

CREATE TABLE inlet_messages (
    inlet_id text COLLATE "C" NOT NULL REFERENCES inlets ON DELETE CASCADE,
    message_id text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    body_sha256 text NOT NULL,
    -- `taken`: it is kept, and nothing was done with it yet. `applied`: every row was taken. `refused`: some were not, or it cannot be read.
    status text NOT NULL DEFAULT 'taken',
    attempts integer NOT NULL DEFAULT 0,
    -- Whoever works on it says so; who dies leaves it to others.
    leased_until timestamptz NOT NULL DEFAULT now(),
    mapping_version integer,
    feed_id uuid,
    why text,
    PRIMARY KEY (inlet_id, message_id)
);
CREATE INDEX inlet_messages_by_age ON inlet_messages (received_at);
CREATE INDEX inlet_messages_open ON inlet_messages (leased_until) WHERE status = 'taken';
CREATE INDEX inlet_messages_refused ON inlet_messages (inlet_id, received_at) WHERE status = 'refused';
