-- Companies outside: whether they are asked, by whose word; each has a row once a worker has been configured with it.
CREATE TABLE providers (
    provider_id text COLLATE "C" PRIMARY KEY,
    port text NOT NULL,
    standing text NOT NULL DEFAULT 'running',
    why text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    actor_kind text,
    actor_id text,
    station_id text,
    request_id text
);

-- What each worker makes of them.
CREATE TABLE provider_workers (
    provider_id text COLLATE "C" NOT NULL,
    worker_id text COLLATE "C" NOT NULL,
    circuit text NOT NULL,
    circuit_since timestamptz NOT NULL,
    in_flight bigint NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider_id, worker_id)
);

-- What waits for one that did not answer, or is not asked: by the key under which it knows the thing.
CREATE TABLE provider_waits (
    provider_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    reference text NOT NULL,
    operation text NOT NULL,
    why text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    tried_at timestamptz NOT NULL DEFAULT now(),
    tries bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (provider_id, key)
);
CREATE INDEX provider_waits_by_age ON provider_waits (provider_id, since);
CREATE INDEX provider_waits_by_try ON provider_waits (tried_at);

-- Which provider began something, where there are several: it is seen through with that one, whatever the configuration says by then.
CREATE TABLE provider_choices (
    reference text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    provider_id text NOT NULL,
    PRIMARY KEY (reference, subject)
);
