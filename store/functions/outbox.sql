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

-- The next events after a place, and how far was looked: at most `scan` events are looked at, to find `most` of these kinds (none: all) and
-- of this lane (NULL: all); of those that are for others alone, or of all. The horizon is that of the snapshot that the events are read in:
-- the caller's.
CREATE OR REPLACE FUNCTION read_outbox(after_epoch bigint, after_xid xid8, after_event bigint, scan bigint, kinds text[], lane integer,
    most bigint, public_alone boolean DEFAULT false) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    here bigint := outbox_epoch();
    -- Whatever may still appear has an id at or above it.
    horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
    RETURN (
        WITH scanned AS MATERIALIZED (
            SELECT e.*, outbox_position(e.epoch, e.xid, e.event_id) AS position FROM order_events e
            WHERE (e.epoch, e.xid, e.event_id) > (after_epoch, after_xid, after_event) AND (e.epoch, e.xid) < (here, horizon)
            ORDER BY e.epoch, e.xid, e.event_id LIMIT scan
        ), page AS (
            SELECT * FROM scanned s
            WHERE (kinds = '{}' OR s.kind = ANY (kinds)) AND (s.sequence IS NOT NULL OR NOT public_alone)
                AND (lane IS NULL OR s.kind = 'events.restored' OR outbox_lane(coalesce(s.subject, s.order_id)) = lane)
            ORDER BY s.epoch, s.xid, s.event_id LIMIT most
        )
        SELECT jsonb_build_object('horizon', outbox_position(here, horizon, 0), 'scanned', (SELECT count(*) FROM scanned),
            'last_scanned', (SELECT position FROM scanned ORDER BY epoch DESC, xid DESC, event_id DESC LIMIT 1),
            'events', coalesce((SELECT jsonb_agg(jsonb_build_object('position', position, 'order_id', order_id, 'seq', seq, 'kind', kind,
                'at', at, 'data', data, 'actor_kind', actor_kind, 'id', id, 'subject', subject, 'sequence', sequence,
                'recorded_at', recorded_at, 'lane', outbox_lane(coalesce(subject, order_id))) ORDER BY epoch, xid, event_id) FROM page), '[]')));
END $$;

-- Planned once a session, whatever the months then hold: each by its index, so that a page costs a page. Planned for months that are still
-- small, all of them would be read and sorted.
ALTER FUNCTION read_outbox(bigint, xid8, bigint, bigint, text[], integer, bigint, boolean) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION read_outbox(bigint, xid8, bigint, bigint, text[], integer, bigint, boolean) SET enable_seqscan = off;
ALTER FUNCTION read_outbox(bigint, xid8, bigint, bigint, text[], integer, bigint, boolean) SET enable_bitmapscan = off;

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
    INSERT INTO order_events (order_id, seq, sequence, subject, kind, at, data) VALUES ('', last.epoch + 1, last.epoch, 'events',
        'events.restored', now(), jsonb_build_object('after', (SELECT outbox_position(e.epoch, e.xid, e.event_id) FROM order_events e
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
