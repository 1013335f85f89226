-- What grows with every order for as long as the shop is open stands in a partition for each month in which it was recorded, so that an old
-- month goes as a whole. functions/months.sql makes them ahead of time; what falls into none of them is in the default one, so that
-- nothing is ever refused. Columns stand as they pack best.

-- Nobody but record_progress() writes an order's events, at the version of a guard that it has locked: that is what makes (order_id, seq)
-- unique. A key would have to contain the month.
ALTER TABLE order_events RENAME TO order_events_before;
CREATE SEQUENCE order_events_numbers;
SELECT setval('order_events_numbers', max(event_id)) FROM order_events_before HAVING max(event_id) IS NOT NULL;
CREATE TABLE order_events (
    recorded_at timestamptz NOT NULL DEFAULT now(),
    at timestamptz NOT NULL,
    event_id bigint NOT NULL DEFAULT nextval('order_events_numbers'),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- Of an order's event computed from what happened and where in the timeline, not when: whoever decides the same again arrives at it.
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    seq bigint NOT NULL,
    -- See begin_epoch(): whoever writes an event need not know.
    epoch bigint NOT NULL DEFAULT 1,
    order_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    data jsonb NOT NULL
) PARTITION BY RANGE (recorded_at);
ALTER SEQUENCE order_events_numbers OWNED BY order_events.event_id;
CREATE TABLE order_events_default PARTITION OF order_events DEFAULT;
INSERT INTO order_events (order_id, seq, id, event_id, epoch, xid, kind, at, data, recorded_at)
SELECT order_id, seq, id, event_id, epoch, xid, kind, at, data, recorded_at FROM order_events_before;
DROP TABLE order_events_before;
CREATE INDEX order_events_of_order ON order_events (order_id, seq);
CREATE INDEX order_events_in_order ON order_events (epoch, xid, event_id);
DO $$ BEGIN
    EXECUTE format('ALTER TABLE order_events ALTER COLUMN epoch SET DEFAULT %s', (SELECT max(epoch) FROM outbox_epochs));
END $$;

ALTER TABLE stock_movements RENAME TO stock_movements_before;
CREATE SEQUENCE stock_movements_numbers;
SELECT setval('stock_movements_numbers', max(movement_id)) FROM stock_movements_before HAVING max(movement_id) IS NOT NULL;
CREATE TABLE stock_movements (
    recorded_at timestamptz NOT NULL DEFAULT now(),
    -- Business time: when it happened in the world.
    occurred_at timestamptz NOT NULL,
    -- Of facts: counts as of an earlier time get it added, the others have seen it. What orders ship happens after the count that stood
    -- there, whatever its time says. NULL: counts, and what is reserved.
    effective_at timestamptz,
    movement_id bigint NOT NULL DEFAULT nextval('stock_movements_numbers'),
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    unavailable bigint NOT NULL,
    -- False: it happened before the count that stood there when it was told. It is kept, and moved nothing.
    moved boolean NOT NULL DEFAULT true,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    cause text NOT NULL,
    order_id text COLLATE "C",
    reference text
) PARTITION BY RANGE (recorded_at);
ALTER SEQUENCE stock_movements_numbers OWNED BY stock_movements.movement_id;
CREATE TABLE stock_movements_default PARTITION OF stock_movements DEFAULT;
INSERT INTO stock_movements (facility_id, sku, movement_id, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at, moved,
    effective_at, recorded_at)
SELECT facility_id, sku, movement_id, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at, moved, effective_at,
    recorded_at FROM stock_movements_before;
DROP TABLE stock_movements_before;
CREATE INDEX stock_movements_of_position ON stock_movements (facility_id, sku, movement_id);
CREATE INDEX stock_movements_of_facts ON stock_movements (facility_id, sku, effective_at) WHERE effective_at IS NOT NULL;
