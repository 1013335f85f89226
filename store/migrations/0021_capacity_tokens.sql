-- How many fulfillment orders a facility ships on a local day, and which: a token each, taken when it is released.
CREATE TABLE capacity_days (
    facility_id text COLLATE "C" NOT NULL,
    local_day date NOT NULL,
    taken bigint NOT NULL CONSTRAINT capacity_taken_range CHECK (taken >= 0),
    PRIMARY KEY (facility_id, local_day)
);

CREATE TABLE capacity_tokens (
    fulfillment_order_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    local_day date NOT NULL
);
