-- Stock that is held for a checkout until a deadline, by this database's clock. An order that names the hold takes its units over.
-- The hold counts as reserved until it is ended: by the order, by whoever gives it back, or by whoever sweeps what is past its deadline.
CREATE TABLE checkout_holds (
    reservation_id text COLLATE "C" PRIMARY KEY,
    body_hash text NOT NULL,
    status text COLLATE "C" NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    -- What was asked for.
    lines jsonb NOT NULL,
    -- Whose the units are now.
    order_id text COLLATE "C",
    -- What the first request was answered: a repeat gets it back.
    answer jsonb
) WITH (fillfactor = 80);
CREATE INDEX checkout_holds_due ON checkout_holds (expires_at) WHERE status = 'held';
CREATE INDEX checkout_holds_ended ON checkout_holds (requested_at) WHERE status <> 'held';

CREATE TABLE checkout_hold_units (
    reservation_id text COLLATE "C" NOT NULL REFERENCES checkout_holds,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT held_quantity_range CHECK (quantity > 0),
    PRIMARY KEY (reservation_id, line_id, facility_id, sku)
);
CREATE INDEX checkout_hold_units_by_position ON checkout_hold_units (sku, facility_id);
