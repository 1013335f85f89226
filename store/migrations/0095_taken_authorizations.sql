-- Authorizations that checkouts have made, each bound to the one payment that it pays for. Two orders that name the same one: the first has it.
CREATE TABLE taken_authorizations (
    authorization_id text COLLATE "C" PRIMARY KEY CHECK (length(authorization_id) BETWEEN 1 AND 255),
    order_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    -- After that the gateway lets nobody capture it.
    expires_at timestamptz NOT NULL
);
CREATE INDEX taken_authorizations_expired ON taken_authorizations (expires_at);
