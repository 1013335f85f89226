-- What checkout was told of deliveries. An order that names a promise is planned for its date. No personal data.
CREATE TABLE promises (
    promise_id text PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now(),
    -- The last delivery; null: nothing could be promised.
    delivery_date date
);
CREATE INDEX promises_by_age ON promises (made_at);
