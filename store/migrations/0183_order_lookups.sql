-- What people who call say of an order: a phone number, a postal code, words of a name. Kept as hashes that need a key, so that nothing can be
-- read here, and found by who types the same.
CREATE TABLE order_lookups (
    hash text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hash, order_id)
);
CREATE INDEX order_lookups_newest ON order_lookups (hash, noted_at DESC);
CREATE INDEX order_lookups_of ON order_lookups (order_id);
