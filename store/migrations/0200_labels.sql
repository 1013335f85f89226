-- Where parcels come from, as labels name it: of no consequence for plans, which go by a facility's place.
CREATE TABLE facility_addresses (
    facility_id text COLLATE "C" PRIMARY KEY CONSTRAINT facility_addresses_facility_known REFERENCES facilities,
    address jsonb NOT NULL
);

-- Each time that somebody fetched a label to print it. The documents themselves stand with their order, in DynamoDB.
CREATE TABLE label_prints (
    print_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A parcel, or a return.
    label_of text COLLATE "C" NOT NULL,
    format text NOT NULL,
    printed_at timestamptz NOT NULL DEFAULT now(),
    actor_kind text,
    actor_id text,
    station_id text,
    request_id text
);
CREATE INDEX label_prints_of ON label_prints (label_of, print_id);
