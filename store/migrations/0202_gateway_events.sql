-- What gateways have said unasked, so that each counts once: they say it again until they are heard.
CREATE TABLE gateway_events (
    provider_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider_id, event_id)
);
CREATE INDEX gateway_events_by_age ON gateway_events (received_at);
