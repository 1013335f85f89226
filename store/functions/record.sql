-- The rows that lists and carriers are answered from. Returns the fulfillment orders as they were.
CREATE OR REPLACE FUNCTION project(record jsonb, first boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    this_order text := record ->> 'order_id';
    changed jsonb := record -> 'fulfillment_orders';
    before jsonb;
    email_hash text;
BEGIN
    IF first THEN
        DELETE FROM pending_intakes p WHERE p.order_id = this_order RETURNING p.customer_email_hash INTO email_hash;
    END IF;
    INSERT INTO orders AS o (order_id, version, status, channel, customer_id, customer_email_hash, currency, total_minor, placed_at,
        updated_at, needs_attention, hold_reasons, next_wait_at)
    SELECT this_order, (record -> 'version')::bigint, r.status, r.channel, r.customer_id, email_hash, r.currency, r.total_minor,
        r.placed_at, r.updated_at, r.needs_attention, r.hold_reasons, r.next_wait_at
    FROM jsonb_populate_record(NULL::orders, record -> 'row') AS r
    ON CONFLICT (order_id) DO UPDATE SET version = excluded.version, status = excluded.status, channel = excluded.channel,
        customer_id = excluded.customer_id, customer_email_hash = coalesce(excluded.customer_email_hash, o.customer_email_hash),
        currency = excluded.currency, total_minor = excluded.total_minor, placed_at = excluded.placed_at,
        updated_at = excluded.updated_at, needs_attention = excluded.needs_attention, hold_reasons = excluded.hold_reasons,
        next_wait_at = excluded.next_wait_at;
    IF record -> 'row' -> 'skus' <> '[]' THEN
        INSERT INTO order_skus (sku, order_id) SELECT sku, this_order FROM jsonb_array_elements_text(record -> 'row' -> 'skus') AS sku
        ON CONFLICT DO NOTHING;
    END IF;
    IF changed = '[]' THEN
        RETURN changed;
    END IF;

    SELECT jsonb_agg(coalesce(to_jsonb(f), jsonb_build_object('fulfillment_order_id', c.fulfillment_order_id))) INTO before
    FROM jsonb_to_recordset(changed) AS c (fulfillment_order_id text) LEFT JOIN fulfillment_orders f USING (fulfillment_order_id);
    INSERT INTO fulfillment_orders (fulfillment_order_id, order_id, facility_id, status, delivery_method, ship_by, updated_at)
    SELECT c.fulfillment_order_id, this_order, c.facility_id, c.status, c.delivery_method, c.ship_by, c.updated_at
    FROM jsonb_populate_recordset(NULL::fulfillment_orders, changed) AS c
    ON CONFLICT (fulfillment_order_id) DO UPDATE SET facility_id = excluded.facility_id, status = excluded.status,
        delivery_method = excluded.delivery_method, ship_by = excluded.ship_by, updated_at = excluded.updated_at;
    IF jsonb_path_exists(changed, '$[*].parcels[*]') THEN
        PERFORM write_parcels(this_order, changed);
    END IF;
    RETURN before;
END $$;

-- The one way an order's progress becomes durable here: version check, units, projection and outbox, in one round trip.
-- Answers done, already (with nothing changed) or replaced; or gap, with the version that is stored.
CREATE OR REPLACE FUNCTION record_progress(record jsonb, OUT outcome text, OUT at_generation bigint, OUT stored_version bigint,
    OUT deficit_units bigint) LANGUAGE plpgsql AS $$
DECLARE
    this_order text := record ->> 'order_id';
    new_version bigint := (record -> 'version')::bigint;
    base bigint := new_version - jsonb_array_length(record -> 'events');
    closing boolean := (record -> 'closed')::boolean;
    at timestamptz := record -> 'row' ->> 'updated_at';
    positions jsonb := record -> 'positions';
    waits jsonb := record -> 'waits';
    listed text[] := ARRAY (SELECT f ->> 'fulfillment_order_id' FROM jsonb_array_elements(record -> 'fulfillment_orders') AS f);
    undo jsonb := '{"positions": [], "waits": [], "grants": []}';
    restored record;
    fulfillments jsonb;
BEGIN
    SELECT g.version, g.generation INTO stored_version, at_generation FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO order_guards (order_id) VALUES (this_order) ON CONFLICT DO NOTHING;
        SELECT g.version, g.generation INTO stored_version, at_generation FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
    END IF;
    deficit_units := 0;
    outcome := 'done';
    IF stored_version < base THEN
        outcome := 'gap';
        RETURN;
    ELSIF stored_version > base AND EXISTS (SELECT FROM order_events e
            JOIN jsonb_populate_recordset(NULL::order_events, record -> 'events') AS n ON n.seq = e.seq
            WHERE e.order_id = this_order AND (e.kind, e.at, e.data) <> (n.kind, n.at, n.data)) THEN
        outcome := 'replaced';
        at_generation := at_generation + 1;
        SELECT * INTO restored FROM undo_records(this_order, base, at);
        positions := overlay_rows(without_units(restored.positions, listed, '{"allocated": 0}'), positions,
            '{fulfillment_order_id,line_id,facility_id,sku}');
        waits := overlay_rows(without_units(restored.waits, listed, '{"quantity": 0}'), waits, '{fulfillment_order_id,line_id}');
    ELSIF stored_version >= new_version THEN
        outcome := 'already';
        RETURN;
    END IF;

    IF closing OR positions <> '[]' OR waits <> '[]' OR listed <> '{}' OR record -> 'grants_seen' <> '[]' THEN
        SELECT s.deficit_units, s.undo INTO deficit_units, undo FROM settle(this_order, positions, waits, listed,
            record -> 'grants_seen', record -> 'stock_facts', closing, at, (record -> 'row' ->> 'placed_at')::timestamptz) AS s;
    END IF;
    fulfillments := project(record, base = 0);
    PERFORM settle_capacity(this_order, record -> 'fulfillment_orders', fulfillments);
    IF closing OR outcome = 'replaced' OR jsonb_path_exists(record -> 'fulfillment_orders' || fulfillments,
            '$[*] ? (@.status == "packed" || @.status == "ready_for_pickup")') THEN
        PERFORM note_picks(this_order, at);
    END IF;
    IF closing OR record -> 'grants_seen' <> '[]' THEN
        PERFORM forget_shorts(this_order, record -> 'grants_seen', closing);
    END IF;
    INSERT INTO record_undos (order_id, version, undo) VALUES (this_order, new_version,
        undo || jsonb_build_object('fulfillment_orders', fulfillments, 'closed', closing
            AND EXISTS (SELECT FROM order_guards g WHERE g.order_id = this_order AND g.closed_at IS NULL)));
    INSERT INTO order_events (order_id, seq, kind, at, data)
    SELECT this_order, n.seq, n.kind, n.at, n.data FROM jsonb_populate_recordset(NULL::order_events, record -> 'events') AS n
    ORDER BY n.seq
    ON CONFLICT DO NOTHING;
    UPDATE order_guards g SET version = new_version, generation = at_generation,
        closed_at = coalesce(g.closed_at, CASE WHEN closing THEN now() END)
    WHERE g.order_id = this_order;
    stored_version := new_version;
END $$;

-- See reserve().
ALTER FUNCTION record_progress(jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION record_progress(jsonb) SET enable_seqscan = off;
