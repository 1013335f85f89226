-- An order that ships as a whole holds what comes in for it at one place, until all of it is there or it has held it for long enough.

-- NULL: what comes is of use by itself. Else the waiting lines of the order that leave in one package with this one have the same.
ALTER TABLE waiting_units ADD COLUMN ships_with text COLLATE "C";

-- Held for an order that has not been told: it waits for the rest. `offered_until` means nothing until then.
ALTER TABLE stock_grants ADD COLUMN gathered boolean NOT NULL DEFAULT false;
CREATE INDEX stock_grants_gathered ON stock_grants (sku, facility_id) WHERE gathered;
DROP INDEX stock_grants_offered;
CREATE INDEX stock_grants_offered ON stock_grants (offered_until) WHERE offered_until IS NOT NULL AND NOT gathered;

-- Packages that hold units while they wait for the rest, or have, and pause.
CREATE TABLE gatherings (
    order_id text COLLATE "C" NOT NULL,
    ships_with text COLLATE "C" NOT NULL,
    -- NULL: it pauses.
    facility_id text COLLATE "C",
    -- Business time: when that is over.
    until timestamptz NOT NULL,
    PRIMARY KEY (order_id, ships_with)
);
CREATE INDEX gatherings_at ON gatherings (facility_id) WHERE facility_id IS NOT NULL;

-- A package for which something is held there, or whose time is over: it is looked at, and no place is served.
ALTER TABLE serve_queue ADD COLUMN for_order text COLLATE "C", ADD COLUMN ships_with text COLLATE "C";
