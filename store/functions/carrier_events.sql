-- Keeps "this number is unknown, park it" and "this parcel has this number, is anything parked?" apart until commit.
CREATE OR REPLACE FUNCTION tracking_lock(numbers text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(20252, shard)
    FROM (SELECT DISTINCT hashtext(number) & 63 AS shard FROM unnest(numbers) AS number ORDER BY shard) AS shards;
END $$;

-- Tells each order of the events on its parcels' numbers, in one message.
CREATE OR REPLACE FUNCTION tell_orders(events carrier_events[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO order_inbox (order_id, kind, payload)
    SELECT p.order_id, 'carrier_event', jsonb_build_object('events', jsonb_agg(jsonb_build_object('event_id', e.event_id,
        'carrier', e.carrier, 'tracking_number', e.tracking_number, 'parcel_id', p.parcel_id, 'fulfillment_order_id',
        p.fulfillment_order_id, 'status', e.status, 'occurred_at', e.occurred_at) ORDER BY e.occurred_at, e.event_id))
    FROM unnest(events) AS e JOIN parcels p ON p.tracking_number = e.tracking_number AND p.carrier = e.carrier
    GROUP BY p.order_id
    ORDER BY p.order_id;
$$;

-- Keeps each event once. Answers for each row in order: accepted, duplicate or parked.
CREATE OR REPLACE FUNCTION accept_carrier_events(events jsonb, OUT results text[]) LANGUAGE plpgsql AS $$
DECLARE
    fresh carrier_events[];
BEGIN
    PERFORM tracking_lock(ARRAY (SELECT e ->> 'tracking_number' FROM jsonb_array_elements(events) AS e));
    WITH kept AS (
        INSERT INTO carrier_events AS k (carrier, tracking_number, event_id, status, occurred_at, parked)
        SELECT e.carrier, e.tracking_number, e.event_id, e.status, e.occurred_at, NOT EXISTS (SELECT FROM parcels p
            WHERE p.tracking_number = e.tracking_number AND p.carrier = e.carrier)
        FROM jsonb_populate_recordset(NULL::carrier_events, events) AS e
        ON CONFLICT DO NOTHING RETURNING k
    )
    SELECT array_agg(k) INTO fresh FROM kept;
    PERFORM tell_orders(ARRAY (SELECT f FROM unnest(fresh) AS f WHERE NOT f.parked));
    -- Of equal rows in one call the first counts.
    SELECT array_agg(CASE WHEN f.event_id IS NULL OR e.repeat > 1 THEN 'duplicate' WHEN f.parked THEN 'parked' ELSE 'accepted' END
        ORDER BY e.n) INTO results
    FROM (SELECT *, row_number() OVER (PARTITION BY carrier, tracking_number, event_id ORDER BY n) AS repeat
        FROM ROWS FROM (jsonb_to_recordset(events) AS (carrier text, tracking_number text, event_id text)) WITH ORDINALITY
            AS e (carrier, tracking_number, event_id, n)) AS e
    LEFT JOIN unnest(fresh) AS f ON (f.carrier, f.tracking_number, f.event_id) = (e.carrier, e.tracking_number, e.event_id);
END $$;

-- The parcels of changed fulfillment orders; what was parked under a number that is known from now on is delivered.
CREATE OR REPLACE FUNCTION write_parcels(for_order text, fulfillments jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    numbers text[];
    found carrier_events[];
BEGIN
    numbers := ARRAY (
        SELECT n.parcel ->> 'tracking_number' FROM jsonb_array_elements(fulfillments) AS f,
            LATERAL (SELECT jsonb_array_elements(f -> 'parcels') AS parcel) AS n
        WHERE n.parcel ->> 'tracking_number' IS NOT NULL AND NOT EXISTS (SELECT FROM parcels p
            WHERE p.parcel_id = n.parcel ->> 'parcel_id' AND p.tracking_number = n.parcel ->> 'tracking_number')
    );
    PERFORM tracking_lock(numbers);
    INSERT INTO parcels (parcel_id, fulfillment_order_id, order_id, carrier, tracking_number, status)
    SELECT p.parcel_id, f ->> 'fulfillment_order_id', for_order, p.carrier, p.tracking_number, p.status
    FROM jsonb_array_elements(fulfillments) AS f, jsonb_populate_recordset(NULL::parcels, f -> 'parcels') AS p
    ON CONFLICT (parcel_id) DO UPDATE SET carrier = excluded.carrier, tracking_number = excluded.tracking_number,
        status = excluded.status;
    IF numbers <> '{}' THEN
        WITH freed AS (
            UPDATE carrier_events e SET parked = false WHERE e.parked AND e.tracking_number = ANY (numbers)
                AND EXISTS (SELECT FROM parcels p WHERE p.tracking_number = e.tracking_number AND p.carrier = e.carrier)
            RETURNING e
        )
        SELECT array_agg(e) INTO found FROM freed;
        PERFORM tell_orders(found);
    END IF;
END $$;
