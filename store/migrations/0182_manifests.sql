-- What was handed to a carrier: parcel by parcel as it was scanned, and the paper that was signed for it.
CREATE TABLE manifests (
    manifest_id text COLLATE "C" PRIMARY KEY,
    facility_id text COLLATE "C" NOT NULL CONSTRAINT manifests_facility_known REFERENCES facilities,
    carrier text COLLATE "C" NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    -- Who closed it.
    closed_by text
);
CREATE UNIQUE INDEX manifests_open ON manifests (facility_id, carrier) WHERE closed_at IS NULL;
CREATE INDEX manifests_by_facility ON manifests (facility_id, manifest_id);
CREATE INDEX manifests_by_age ON manifests (began_at);

-- A parcel leaves once.
CREATE TABLE manifest_parcels (
    parcel_id text COLLATE "C" PRIMARY KEY,
    manifest_id text COLLATE "C" NOT NULL REFERENCES manifests ON DELETE CASCADE,
    tracking_number text COLLATE "C",
    scanned_at timestamptz NOT NULL DEFAULT now(),
    actor_id text
);
CREATE INDEX manifest_parcels_of ON manifest_parcels (manifest_id, parcel_id);

-- Parcels that wait for their carrier are few of all.
CREATE INDEX parcels_waiting ON parcels (fulfillment_order_id) WHERE status = 'labelled';
-- What somebody picks.
CREATE INDEX picklists_by_picker ON picklists (picker, picklist_id);
