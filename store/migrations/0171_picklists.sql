-- What somebody set out to pick together, in the order of the walk. Written before the first of them is begun.
CREATE TABLE picklists (
    picklist_id text COLLATE "C" PRIMARY KEY,
    facility_id text COLLATE "C" NOT NULL,
    picker text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    fulfillment_order_ids text[] NOT NULL
);
CREATE INDEX picklists_by_facility ON picklists (facility_id, picklist_id);
CREATE INDEX picklists_by_age ON picklists (made_at);
