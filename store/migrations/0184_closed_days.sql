-- Days on which a facility ships nothing more that is not planned already: a holiday, or the rest of today.
CREATE TABLE closed_days (
    facility_id text COLLATE "C" NOT NULL CONSTRAINT closed_days_facility_known REFERENCES facilities,
    local_day date NOT NULL,
    closed_at timestamptz NOT NULL DEFAULT now(),
    -- Who said so.
    closed_by text,
    PRIMARY KEY (facility_id, local_day)
);
CREATE INDEX closed_days_by_day ON closed_days (local_day);
