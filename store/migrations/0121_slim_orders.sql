-- What an order leaves behind, said once.

-- Thousands of orders begin with one policy. Who reads what an order began as still finds it whole in order_beginnings.
CREATE TABLE policies (
    -- Of its text.
    policy_id uuid PRIMARY KEY,
    policy jsonb NOT NULL
);
ALTER TABLE order_beginnings RENAME TO order_cores;
ALTER TABLE order_cores RENAME COLUMN beginning TO core;
-- NULL: from before there were policies; it has its own.
ALTER TABLE order_cores ADD COLUMN policy_id uuid;
CREATE VIEW order_beginnings AS
SELECT c.order_id, CASE WHEN c.policy_id IS NULL THEN c.core ELSE c.core || jsonb_build_object('policy', p.policy) END AS beginning
FROM order_cores c LEFT JOIN policies p USING (policy_id);

-- An order has some dozens of events, and they are read together: entries that are equal take no more room than one, with their number
-- each would take as much as a small event.
DROP INDEX order_events_of_order;
CREATE INDEX order_events_of_order ON order_events (order_id);

-- Nobody ever asked for a row by it.
ALTER TABLE picks DROP COLUMN pick_id;

-- Ids of commands are as long as the routes that they came by.
ALTER TABLE order_commands DROP CONSTRAINT order_commands_pkey;
CREATE UNIQUE INDEX order_commands_once ON order_commands (order_id, (md5(command_id)::uuid));
