-- Brings what was put back to where the record says it is: absolute figures, so a repeat moves nothing. When it was put back is what counts:
-- a count that has seen it has it already, however late it is recorded.
CREATE OR REPLACE FUNCTION restock_returned(this_return text, for_order text, goods jsonb, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moves stock_move[];
BEGIN
    moves := ARRAY (
        SELECT ROW (facility_id, sku, coalesce(n.restocked, 0) - coalesce(g.restocked, 0), 0, 0, 'returned', for_order, this_return,
            at)::stock_move
        FROM (
            SELECT facility_id, sku, sum(restocked)::bigint AS restocked FROM jsonb_populate_recordset(NULL::return_goods, goods)
            GROUP BY facility_id, sku
        ) AS n
        FULL JOIN (SELECT * FROM return_goods WHERE return_id = this_return) AS g USING (facility_id, sku)
        WHERE coalesce(n.restocked, 0) <> coalesce(g.restocked, 0));
    IF moves = '{}' THEN
        RETURN;
    END IF;
    PERFORM demand_lock(ARRAY (SELECT m.sku FROM unnest(moves) AS m), false);
    PERFORM open_positions(array_agg(m.facility_id), array_agg(m.sku)) FROM unnest(moves) AS m;
    UPDATE return_goods g SET restocked = g.restocked + m.on_hand FROM unnest(moves) AS m
    WHERE (g.return_id, g.facility_id, g.sku) = (this_return, m.facility_id, m.sku);
    -- What is taken back was there before.
    INSERT INTO return_goods (return_id, facility_id, sku, restocked)
    SELECT this_return, m.facility_id, m.sku, m.on_hand FROM unnest(moves) AS m WHERE m.on_hand > 0
    ON CONFLICT DO NOTHING;
    PERFORM move_stock(facts_after_count(moves));
END $$;

-- The one way a return's progress becomes durable: it is appended at a version, as an order's is (see record_progress).
CREATE OR REPLACE FUNCTION record_return(record jsonb, OUT outcome text, OUT stored_version bigint) LANGUAGE plpgsql AS $$
DECLARE
    this_return text := record ->> 'return_id';
    base bigint := (record ->> 'base')::bigint;
    at timestamptz := record ->> 'updated_at';
    -- The carrier knows the goods by their label: its events find the order, and by the parcel's id the return. Once no goods are awaited
    -- nothing more is to come of it, and its number may be another parcel's.
    labels jsonb := CASE WHEN record -> 'label' = 'null' THEN '[]' ELSE jsonb_build_array(jsonb_build_object(
        'fulfillment_order_id', this_return, 'updated_at', at, 'parcels', jsonb_build_array(record -> 'label' || jsonb_build_object(
            'parcel_id', this_return, 'status', record ->> 'status', 'ended_at', (SELECT at FROM return_statuses t
                WHERE t.status = record ->> 'status' AND NOT t.awaits_goods))))) END;
    new_keys text[];
    -- Events for others that it has had.
    told bigint;
    published_now bigint;
BEGIN
    IF base = 0 THEN
        INSERT INTO returns (return_id, order_id, version, status, needs_attention, opened_at, updated_at, doc)
        SELECT r.return_id, r.order_id, 0, r.status, r.needs_attention, r.opened_at, r.updated_at, r.doc
        FROM jsonb_populate_record(NULL::returns, record) AS r
        ON CONFLICT DO NOTHING;
    END IF;
    SELECT r.version, r.published INTO stored_version, told FROM returns r WHERE r.return_id = this_return FOR UPDATE;
    stored_version := coalesce(stored_version, 0);
    IF stored_version <> base THEN
        outcome := CASE WHEN stored_version < base THEN 'behind'
            WHEN EXISTS (
                SELECT FROM jsonb_to_recordset(record -> 'events') AS n (seq bigint, id uuid)
                LEFT JOIN return_events e ON e.return_id = this_return AND e.seq = n.seq
                WHERE e.id IS DISTINCT FROM n.id) THEN 'other'
            ELSE 'same' END;
        RETURN;
    END IF;
    outcome := 'appended';
    PERFORM act_as(record -> 'by');
    new_keys := new_tracking_keys(labels);
    PERFORM restock_returned(this_return, record ->> 'order_id', record -> 'goods', at);
    IF labels <> '[]' THEN
        PERFORM write_parcels(record ->> 'order_id', labels, new_keys);
    END IF;
    INSERT INTO return_events (return_id, seq, id, kind, at, data, actor_kind, actor_id, station_id, request_id)
    SELECT this_return, n.seq, n.id, n.kind, n.at, n.data, n.by ->> 'kind', n.by ->> 'id', n.by ->> 'station', n.by ->> 'request_id'
    FROM jsonb_to_recordset(record -> 'events') AS n (seq bigint, id uuid, kind text, at timestamptz, data jsonb, by jsonb);
    INSERT INTO order_events (order_id, seq, id, kind, at, data, actor_kind, subject, sequence)
    SELECT '', n.seq, n.id, n.said ->> 'kind', n.at, n.said -> 'data', n.by ->> 'kind', 'return/' || this_return,
        told + row_number() OVER (ORDER BY n.seq)
    FROM jsonb_to_recordset(record -> 'events') AS n (seq bigint, id uuid, at timestamptz, said jsonb, by jsonb)
    WHERE n.said IS NOT NULL ORDER BY n.seq;
    GET DIAGNOSTICS published_now = ROW_COUNT;
    stored_version := (record ->> 'version')::bigint;
    UPDATE returns r SET version = stored_version, published = told + published_now, status = n.status, needs_attention = n.needs_attention, updated_at = n.updated_at,
        next_wait_at = n.next_wait_at, look_again_at = NULL, doc = n.doc
    FROM jsonb_populate_record(NULL::returns, record) AS n WHERE r.return_id = this_return;
END $$;
