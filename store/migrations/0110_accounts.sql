-- Who may come in. Accounts that the configuration declares are not here.
CREATE TABLE accounts (
    account_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL CONSTRAINT accounts_name UNIQUE,
    roles text[] NOT NULL,
    -- Which facilities and channels it knows of; NULL: all.
    facilities text[],
    channels text[],
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Of a key's secret its hash alone is kept.
CREATE TABLE account_keys (
    key_id text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    key_sha256 text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    -- To the minute.
    last_used_at timestamptz
);
CREATE INDEX account_keys_by_account ON account_keys (account_id);

-- What somebody did that is no event of an order: only ever added to.
CREATE TABLE audit (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    -- NULL: nobody who is known.
    actor_kind text,
    actor_id text COLLATE "C",
    action text NOT NULL,
    -- What it was done to; NULL: nothing that is known.
    subject text COLLATE "C",
    -- No personal data, no secrets.
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_actor ON audit (actor_id, audit_id);
CREATE INDEX audit_by_subject ON audit (subject, audit_id);

CREATE RULE audit_keeps_what_it_has AS ON UPDATE TO audit DO INSTEAD NOTHING;
CREATE RULE audit_keeps_all_it_has AS ON DELETE TO audit DO INSTEAD NOTHING;
