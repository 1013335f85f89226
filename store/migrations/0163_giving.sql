-- What people may give away, in minor units: in a day each, and on one order all together. NULL: as much as they like; so is a currency that
-- has no row.
CREATE TABLE giving_limits (
    currency text COLLATE "C" PRIMARY KEY,
    per_day_minor bigint CHECK (per_day_minor >= 0),
    per_order_minor bigint CHECK (per_order_minor >= 0),
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- What they have given: the one row that each new giving is added to, if there is room in it.
CREATE TABLE given_by_actor (
    actor_id text COLLATE "C" NOT NULL,
    day date NOT NULL,
    currency text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (actor_id, day, currency)
);
CREATE INDEX given_by_actor_by_age ON given_by_actor (day);
CREATE TABLE given_on_order (
    order_id text COLLATE "C" PRIMARY KEY,
    amount_minor bigint NOT NULL DEFAULT 0
);

-- Each giving that was counted, by the command that gives: told again it counts no more, and refused by its order it is taken back.
CREATE TABLE givings (
    order_id text COLLATE "C" NOT NULL,
    command_id text NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    day date NOT NULL,
    currency text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL,
    approval_id text COLLATE "C",
    PRIMARY KEY (order_id, command_id)
);
CREATE INDEX givings_by_age ON givings (day);

-- What somebody has asked to do that needs a second person: bound to the thing, the exact amount, and the order as it was.
CREATE TABLE approvals (
    approval_id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    -- The order; of a bulk operation, nothing.
    order_id text COLLATE "C",
    what text NOT NULL,
    -- Of money; of a bulk operation, how many orders.
    amount_minor bigint,
    currency text COLLATE "C",
    orders bigint,
    order_version bigint,
    asked_by jsonb NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'declined', 'used')),
    decided_by jsonb,
    decided_at timestamptz
);
CREATE INDEX approvals_asked ON approvals (coalesce(order_id, ''), (asked_by ->> 'id'), expires_at);
CREATE INDEX approvals_newest ON approvals (asked_at DESC, approval_id DESC);
CREATE INDEX approvals_open ON approvals (asked_at DESC, approval_id DESC) WHERE status = 'pending';
