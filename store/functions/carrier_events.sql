-- How tracking numbers are compared: people type them with spaces, and in either case.
CREATE OR REPLACE FUNCTION tracking_key(number text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(nullif(upper(regexp_replace(number, '[^[:alnum:]]', '', 'g')), ''), number);
$$;

-- How carriers are compared; NULL: nobody has said which.
CREATE OR REPLACE FUNCTION carrier_key(carrier text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT nullif(nullif(lower(regexp_replace(carrier, '[^[:alnum:]]', '', 'g')), ''), 'unknown');
$$;

-- Keeps "this number is unknown, park it" and "this parcel has this number, is anything parked?" apart until commit. Taken before any stock
-- row, so that nobody waits at a position for a carrier's batch. 4,096 shards: see demand_lock().
CREATE OR REPLACE FUNCTION tracking_lock(keys text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(20252, shard)
    FROM (SELECT DISTINCT hashtext(key) & 4095 AS shard FROM unnest(keys) AS key ORDER BY shard) AS shards;
END $$;

-- The parcels that an event is about. Carriers use numbers again: what happened days before a parcel got its number, or months after its
-- end, is not of it; nor, while another parcel with the number is on its way, of one that has ended. Some days, for a parcel is scanned
-- before somebody notes that it was shipped, and by clocks that are wrong.
CREATE OR REPLACE FUNCTION parcels_of(event carrier_events) RETURNS SETOF parcels LANGUAGE sql STABLE AS $$
    WITH likely AS (
        SELECT p.* FROM parcels p WHERE p.tracking_key = event.tracking_key
            AND (p.carrier_key IS NULL OR event.carrier_key IN ('', p.carrier_key))
            AND event.occurred_at > p.numbered_at - interval '2 days'
            AND (p.ended_at IS NULL OR event.occurred_at < p.ended_at + interval '60 days')
    )
    SELECT l.* FROM likely l WHERE l.ended_at IS NULL OR NOT EXISTS (SELECT FROM likely o WHERE o.ended_at IS NULL);
$$;

-- Tells each order of the events on its parcels, in one message, by the number that its parcel has.
CREATE OR REPLACE FUNCTION tell_orders(events carrier_events[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO order_inbox (order_id, kind, payload)
    SELECT p.order_id, 'carrier_event', jsonb_build_object('events', jsonb_agg(jsonb_build_object('event_id', e.event_id,
        'carrier', e.carrier, 'tracking_number', p.tracking_number, 'parcel_id', p.parcel_id, 'fulfillment_order_id',
        p.fulfillment_order_id, 'status', e.status, 'occurred_at', e.occurred_at, 'by', e.told_by) ORDER BY e.occurred_at, e.event_id))
    FROM unnest(events) AS e, LATERAL parcels_of(e) AS p
    GROUP BY p.order_id
    ORDER BY p.order_id;
$$;

-- Keeps each event once. Answers for each row in order: accepted, duplicate or parked.
CREATE OR REPLACE FUNCTION accept_carrier_events(events jsonb, OUT results text[]) LANGUAGE plpgsql AS $$
DECLARE
    given carrier_events[] := ARRAY (
        SELECT ROW (e.carrier, e.tracking_number, e.event_id, e.status, e.occurred_at, now(), false, coalesce(carrier_key(e.carrier), ''),
            tracking_key(e.tracking_number), nullif(e.by, 'null'))::carrier_events
        FROM ROWS FROM (jsonb_to_recordset(events) AS (carrier text, tracking_number text, event_id text, status text,
            occurred_at timestamptz, by jsonb)) WITH ORDINALITY AS e (carrier, tracking_number, event_id, status, occurred_at, by, n)
        ORDER BY e.n);
    fresh carrier_events[];
BEGIN
    PERFORM tracking_lock(ARRAY (SELECT g.tracking_key FROM unnest(given) AS g));
    WITH kept AS (
        INSERT INTO carrier_events AS k (carrier, tracking_number, event_id, status, occurred_at, parked, carrier_key, tracking_key, told_by)
        SELECT g.carrier, g.tracking_number, g.event_id, g.status, g.occurred_at, NOT EXISTS (SELECT FROM parcels_of(g)), g.carrier_key,
            g.tracking_key, g.told_by
        FROM unnest(given) AS g
        ON CONFLICT DO NOTHING RETURNING k
    )
    SELECT array_agg(k) INTO fresh FROM kept;
    PERFORM tell_orders(ARRAY (SELECT f FROM unnest(fresh) AS f WHERE NOT f.parked));
    -- Of equal rows in one call the first counts.
    SELECT array_agg(CASE WHEN f.event_id IS NULL OR e.repeat > 1 THEN 'duplicate' WHEN f.parked THEN 'parked' ELSE 'accepted' END
        ORDER BY e.n) INTO results
    FROM (SELECT g.tracking_key, g.carrier_key, g.event_id, g.n, row_number() OVER (PARTITION BY g.tracking_key, g.carrier_key, g.event_id
            ORDER BY g.n) AS repeat
        FROM unnest(given) WITH ORDINALITY AS g (carrier, tracking_number, event_id, status, occurred_at, received_at, parked, carrier_key,
            tracking_key, told_by, n)) AS e
    LEFT JOIN unnest(fresh) AS f ON (f.tracking_key, f.carrier_key, f.event_id) = (e.tracking_key, e.carrier_key, e.event_id);
END $$;

-- How those numbers of changed fulfillment orders are compared that their parcels did not have before. Locks them.
CREATE OR REPLACE FUNCTION new_tracking_keys(fulfillments jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    keys text[] := ARRAY (SELECT n.key FROM jsonb_array_elements(fulfillments) AS f,
            jsonb_populate_recordset(NULL::parcels, f -> 'parcels') AS given, LATERAL tracking_key(given.tracking_number) AS n (key)
        WHERE n.key IS NOT NULL AND NOT EXISTS (
            SELECT FROM parcels p WHERE p.parcel_id = given.parcel_id AND p.tracking_key = n.key));
BEGIN
    IF keys <> '{}' THEN
        PERFORM tracking_lock(keys);
    END IF;
    RETURN keys;
END $$;

-- The parcels of changed fulfillment orders, and the labels of returns, which say themselves when they have ended; what was parked under a
-- number that is known from now on is delivered.
CREATE OR REPLACE FUNCTION write_parcels(for_order text, fulfillments jsonb, new_keys text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given parcels[] := ARRAY (
        SELECT ROW (p.parcel_id, f ->> 'fulfillment_order_id', for_order, p.carrier, p.tracking_number, p.status, carrier_key(p.carrier),
            tracking_key(p.tracking_number), CASE WHEN p.tracking_number IS NOT NULL THEN changed_at END,
            coalesce(p.ended_at, CASE WHEN t.has_ended THEN changed_at END))::parcels
        FROM jsonb_array_elements(fulfillments) AS f, jsonb_populate_recordset(NULL::parcels, f -> 'parcels') AS p
            LEFT JOIN parcel_statuses t USING (status), LATERAL (SELECT (f ->> 'updated_at')::timestamptz AS changed_at) AS c);
    found carrier_events[];
BEGIN
    INSERT INTO parcels AS p SELECT g.* FROM unnest(given) AS g
    ON CONFLICT (parcel_id) DO UPDATE SET carrier = excluded.carrier, carrier_key = excluded.carrier_key,
        tracking_number = excluded.tracking_number, tracking_key = excluded.tracking_key, status = excluded.status,
        numbered_at = CASE WHEN p.tracking_key = excluded.tracking_key THEN p.numbered_at ELSE excluded.numbered_at END,
        ended_at = CASE WHEN excluded.ended_at IS NOT NULL THEN coalesce(p.ended_at, excluded.ended_at) END;
    IF new_keys <> '{}' THEN
        WITH freed AS (
            UPDATE carrier_events e SET parked = false WHERE e.parked AND e.tracking_key = ANY (new_keys)
                AND EXISTS (SELECT FROM parcels_of(e))
            RETURNING e
        )
        SELECT array_agg(e) INTO found FROM freed;
        PERFORM tell_orders(found);
    END IF;
END $$;
