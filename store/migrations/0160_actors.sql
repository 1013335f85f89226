-- Who did it, beside what was done: an event's id is computed from what the event says, and must not change with whoever says it.
-- NULL: nobody said, in rows from before.
ALTER TABLE order_events ADD COLUMN actor_kind text, ADD COLUMN actor_id text COLLATE "C", ADD COLUMN station_id text COLLATE "C",
    ADD COLUMN request_id text COLLATE "C";
ALTER TABLE return_events ADD COLUMN actor_kind text, ADD COLUMN actor_id text COLLATE "C", ADD COLUMN station_id text COLLATE "C",
    ADD COLUMN request_id text COLLATE "C";

-- Many functions move stock: whoever acts in a transaction is said once in it, by act_as(). Unless somebody is, it is the house.
ALTER TABLE stock_movements ADD COLUMN actor_kind text, ADD COLUMN actor_id text COLLATE "C", ADD COLUMN station_id text COLLATE "C",
    ADD COLUMN request_id text COLLATE "C";
ALTER TABLE stock_movements
    ALTER COLUMN actor_kind SET DEFAULT coalesce(nullif(current_setting('oms.actor_kind', true), ''), 'house'),
    ALTER COLUMN actor_id SET DEFAULT coalesce(nullif(current_setting('oms.actor_id', true), ''), 'stock'),
    ALTER COLUMN station_id SET DEFAULT nullif(current_setting('oms.station_id', true), ''),
    ALTER COLUMN request_id SET DEFAULT nullif(current_setting('oms.request_id', true), '');

-- As JSON: they are few.
ALTER TABLE feeds ADD COLUMN started_by jsonb, ADD COLUMN decided_by jsonb;
ALTER TABLE bulks ADD COLUMN started_by jsonb;
ALTER TABLE carrier_events ADD COLUMN told_by jsonb;
ALTER TABLE audit ADD COLUMN station_id text COLLATE "C", ADD COLUMN request_id text COLLATE "C";
