-- Places of work that people take over by their badge and PIN. A station shows a token of its own; it is enrolled once.
CREATE TABLE stations (
    station_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    facility_id text COLLATE "C" NOT NULL CONSTRAINT stations_facility_known REFERENCES facilities,
    -- What prints there, as the people of the facility call it.
    printer text,
    token_sha256 text COLLATE "C" NOT NULL CONSTRAINT stations_token UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stations_by_facility ON stations (facility_id, station_id);

-- A badge is read by whoever finds it, and opens nothing without the PIN.
ALTER TABLE people ADD COLUMN badge_sha256 text COLLATE "C" CONSTRAINT people_badge UNIQUE, ADD COLUMN pin_hash text;

ALTER TABLE sessions ADD COLUMN station_id text COLLATE "C" REFERENCES stations ON DELETE CASCADE;
CREATE INDEX sessions_by_station ON sessions (station_id) WHERE station_id IS NOT NULL;
