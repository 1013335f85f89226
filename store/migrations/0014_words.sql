-- What the rules say of the words they use, as far as SQL must know: filled from them at setup, so that a new word is known here, too.

CREATE TABLE fulfillment_statuses (
    status text COLLATE "C" PRIMARY KEY,
    holds_stock boolean NOT NULL,
    has_left boolean NOT NULL,
    -- Its facility knows of it, and has not begun to pick.
    is_queued boolean NOT NULL,
    -- Somebody has its units in hand, or is picking them.
    is_picked boolean NOT NULL,
    -- Its units are off the shelf.
    is_packed boolean NOT NULL,
    -- Who gives units up first where some are missing; NULL: never.
    gives_way_rank bigint
);

CREATE TABLE rejection_reasons (
    reason text COLLATE "C" PRIMARY KEY,
    -- `shelf_is_empty`, `fewer_on_hand`, `unavailable` or `nothing`.
    effect text NOT NULL,
    -- `tomorrow`, `after_goods_came` or `never`.
    offered_again text NOT NULL
);

CREATE TABLE parcel_statuses (
    status text COLLATE "C" PRIMARY KEY,
    has_ended boolean NOT NULL
);
