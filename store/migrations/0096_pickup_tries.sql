-- Codes that were shown for a pickup, while it is not handed over: so that nobody finds one out by trying them all.
CREATE TABLE pickup_tries (
    fulfillment_order_id text COLLATE "C" PRIMARY KEY,
    tries integer NOT NULL,
    -- No code is looked at before.
    again_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX pickup_tries_again ON pickup_tries (again_at);
