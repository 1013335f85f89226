-- People with a password of their own. Everything else knows them by their id: name and address go with the row.
CREATE TABLE people (
    person_id text COLLATE "C" PRIMARY KEY,
    -- As it is compared: in lower case.
    email text COLLATE "C" NOT NULL CONSTRAINT people_email UNIQUE,
    name text NOT NULL,
    roles text[] NOT NULL,
    -- As in accounts.
    facilities text[],
    channels text[],
    -- argon2id, in PHC form; NULL: they are invited, and have not come yet.
    password_hash text,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

-- Links that are good for one time: whoever has one sets the password of whom it is for.
CREATE TABLE invitations (
    token_sha256 text COLLATE "C" PRIMARY KEY,
    person_id text COLLATE "C" NOT NULL REFERENCES people,
    expires_at timestamptz NOT NULL
);
CREATE INDEX invitations_by_person ON invitations (person_id);
CREATE INDEX invitations_by_age ON invitations (expires_at);

CREATE TABLE sessions (
    token_sha256 text COLLATE "C" PRIMARY KEY,
    person_id text COLLATE "C" NOT NULL REFERENCES people,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- To the minute.
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person_id);
CREATE INDEX sessions_by_age ON sessions (expires_at);

-- Tries in a row, by a keyed hash of the name that was tried and the place that it was tried from; gone once somebody has come in.
CREATE TABLE login_tries (
    place_hash text COLLATE "C" PRIMARY KEY,
    tries integer NOT NULL,
    -- No other one is looked at before.
    again_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX login_tries_again ON login_tries (again_at);
