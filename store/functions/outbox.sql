-- For those who read in parallel: all events of an order are in one of 16 lanes, the first hexadecimal digit of its id's MD5.
CREATE OR REPLACE FUNCTION outbox_lane(of_order text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || left(md5(of_order), 1))::bit(4)::integer;
$$;

-- Where an event is; opaque to those who read it.
CREATE OR REPLACE FUNCTION outbox_position(epoch bigint, xid xid8, event_id bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT epoch || '-' || xid::text || '-' || event_id;
$$;

-- Which server the data is on, as far as transaction ids go: another one after a move, and another timeline after a restore or a promotion.
CREATE OR REPLACE FUNCTION server_identity() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) FROM pg_control_system();
$$;

-- The life that events are written in now.
CREATE OR REPLACE FUNCTION outbox_epoch() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT max(epoch) FROM outbox_epochs; $$;

-- Begins a new life of the outbox, if the data is on another server than it was, or if it must. Answers it, or null. Whoever writes
-- events is waited for, and those who come later write in the new one. Runs as the tables' owner, which a server need not be.
CREATE OR REPLACE FUNCTION begin_epoch(must boolean) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    last outbox_epochs;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN NULL;
    END IF;
    SELECT * INTO last FROM outbox_epochs ORDER BY epoch DESC LIMIT 1;
    IF NOT must AND last.server_identity = server_identity() THEN
        RETURN NULL;
    END IF;
    LOCK TABLE order_events IN ACCESS EXCLUSIVE MODE;
    SELECT * INTO last FROM outbox_epochs ORDER BY epoch DESC LIMIT 1;
    IF NOT must AND last.server_identity = server_identity() THEN
        RETURN NULL;
    END IF;
    INSERT INTO outbox_epochs (epoch, server_identity) VALUES (last.epoch + 1, server_identity());
    EXECUTE format('ALTER TABLE order_events ALTER COLUMN epoch SET DEFAULT %s', last.epoch + 1);
    INSERT INTO order_events (order_id, seq, kind, at, data) VALUES ('', last.epoch + 1, 'events.restored', now(),
        jsonb_build_object('after', (SELECT outbox_position(e.epoch, e.xid, e.event_id) FROM order_events e
            ORDER BY e.epoch DESC, e.xid DESC, e.event_id DESC LIMIT 1)));
    RETURN last.epoch + 1;
END $$;

-- Takes marks of another server's transactions off the stock, some at a time: no plan could ever have seen them. How many there were.
CREATE OR REPLACE FUNCTION clear_marks(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    cleared bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM outbox_epochs WHERE cleared_at IS NULL) THEN
        RETURN 0;
    END IF;
    UPDATE stock s SET raised_by = NULL WHERE s.ctid = ANY (ARRAY (
        SELECT u.ctid FROM stock u WHERE u.raised_by >= pg_snapshot_xmax(pg_current_snapshot()) LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS cleared = ROW_COUNT;
    IF cleared = 0 THEN
        UPDATE outbox_epochs SET cleared_at = now() WHERE cleared_at IS NULL;
    END IF;
    RETURN cleared;
END $$;
