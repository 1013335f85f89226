-- What the shop and other systems call an order: each name one order's in its channel.
CREATE TABLE order_names (
    channel text COLLATE "C" NOT NULL,
    -- Empty: the shop itself.
    system text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (channel, system, name)
);
CREATE INDEX order_names_to_find ON order_names (system, name);
CREATE INDEX order_names_by_order ON order_names (order_id);
