CREATE TYPE reservation_change AS (
    fulfillment_order_id text,
    line_id text,
    facility_id text,
    sku text,
    old_allocated bigint,
    old_consumed bigint,
    new_allocated bigint,
    new_consumed bigint
);

-- What the order's rows have to become. A fulfillment order that a record lists is listed whole: what it holds here and the
-- record does not name has left it. A closed order keeps what it consumed and nothing else.
CREATE FUNCTION reservation_changes(for_order text, positions jsonb, listed text[], closing boolean) RETURNS reservation_change[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(change), '{}') FROM (
            SELECT ROW (fulfillment_order_id, line_id, facility_id, sku, coalesce(r.allocated, 0), coalesce(r.consumed, 0),
                CASE WHEN closing THEN 0 WHEN t.allocated IS NOT NULL THEN t.allocated WHEN fulfillment_order_id = ANY (listed) THEN 0
                    ELSE r.allocated END, coalesce(t.consumed, r.consumed, 0))::reservation_change AS change
            FROM jsonb_to_recordset(positions) AS t (fulfillment_order_id text, line_id text, facility_id text, sku text,
                allocated bigint, consumed bigint)
            FULL JOIN (SELECT * FROM reservations WHERE order_id = for_order) AS r
                USING (fulfillment_order_id, line_id, facility_id, sku)
        ) AS changes
        WHERE ((change).old_allocated, (change).old_consumed) <> ((change).new_allocated, (change).new_consumed)
    );
END $$;

CREATE FUNCTION write_reservations(for_order text, changes reservation_change[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reservations (order_id, fulfillment_order_id, line_id, facility_id, sku, allocated, consumed)
    SELECT for_order, c.fulfillment_order_id, c.line_id, c.facility_id, c.sku, c.new_allocated, c.new_consumed
    FROM unnest(changes) AS c WHERE c.new_allocated + c.new_consumed > 0
    ON CONFLICT (order_id, fulfillment_order_id, line_id, facility_id, sku)
        DO UPDATE SET allocated = excluded.allocated, consumed = excluded.consumed;

    DELETE FROM reservations r USING unnest(changes) AS c WHERE r.order_id = for_order AND c.new_allocated + c.new_consumed = 0
        AND (r.fulfillment_order_id, r.line_id, r.facility_id, r.sku) = (c.fulfillment_order_id, c.line_id, c.facility_id, c.sku);
END $$;

-- The position's movement that follows from changed rows and dissolved grants: shipped units leave the house, released ones
-- come back, and a grant's units are given up to what the record's own targets take.
CREATE FUNCTION settlement_moves(for_order text, changes reservation_change[], dissolved stock_grants[], at timestamptz)
    RETURNS stock_move[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(ROW (facility_id, sku, on_hand, reserved, 0, CASE WHEN on_hand < 0 THEN 'shipped'
            WHEN on_hand > 0 THEN 'unshipped' WHEN reserved < 0 THEN 'released' ELSE 'allocated' END, for_order, NULL, at)::stock_move), '{}')
        FROM (
            SELECT facility_id, sku, sum(on_hand)::bigint AS on_hand, sum(reserved)::bigint AS reserved FROM (
                SELECT facility_id, sku, old_consumed - new_consumed AS on_hand, new_allocated - old_allocated AS reserved
                FROM unnest(changes)
                UNION ALL
                SELECT facility_id, sku, 0, -quantity FROM unnest(dissolved)
            ) AS parts
            GROUP BY facility_id, sku
        ) AS net
        WHERE on_hand <> 0 OR reserved <> 0
    );
END $$;

CREATE FUNCTION row_key(of_row jsonb, key text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(of_row ->> part, ' ' ORDER BY n) FROM unnest(key) WITH ORDINALITY AS k (part, n);
$$;

-- Rows of `under` that no row of `over` has the key of, then all of `over`. Ids have no spaces, so keys do not collide.
CREATE FUNCTION overlay_rows(under jsonb, over jsonb, key text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT over || coalesce(jsonb_agg(u), '[]') FROM jsonb_array_elements(under) AS u
    WHERE row_key(u, key) NOT IN (SELECT row_key(o, key) FROM jsonb_array_elements(over) AS o);
$$;

-- What the order has to wait for, by the same rules, and what it waited for before as far as that changes: rows of waiting_units,
-- whose quantity includes granted units that the order has not seen. A row that was not there waited for nothing.
CREATE FUNCTION wait_changes(for_order text, waits jsonb, listed text[], closing boolean, OUT wanted jsonb, OUT before jsonb)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT
        coalesce(jsonb_agg(coalesce(to_jsonb(w), h.held)
            || jsonb_build_object('quantity', CASE WHEN closing THEN 0 ELSE coalesce(w.quantity, 0) END)), '[]'),
        coalesce(jsonb_agg(coalesce(h.held, to_jsonb(w) || '{"quantity": 0}')), '[]')
    INTO wanted, before
    FROM jsonb_populate_recordset(NULL::waiting_units, waits) AS w
    FULL JOIN (
        SELECT u.fulfillment_order_id, u.line_id,
            to_jsonb(u) || jsonb_build_object('quantity', u.quantity + coalesce(g.quantity, 0)) AS held
        FROM waiting_units u LEFT JOIN unseen_grants(for_order) AS g USING (fulfillment_order_id, line_id)
        WHERE u.order_id = for_order
    ) AS h USING (fulfillment_order_id, line_id)
    WHERE (closing OR w.quantity IS NOT NULL OR fulfillment_order_id = ANY (listed)) AND (h.held IS NOT NULL OR w.quantity > 0);
END $$;
-- Brings the order's units to where the record says they are. `undo` is how it was.
CREATE FUNCTION settle(for_order text, positions jsonb, waits jsonb, listed text[], seen jsonb, facts jsonb, closing boolean, at timestamptz,
    placed timestamptz, OUT deficit_units bigint, OUT undo jsonb) LANGUAGE plpgsql AS $$
DECLARE
    changes reservation_change[] := reservation_changes(for_order, positions, listed, closing);
    -- The guard is held: the order's rows may be served meanwhile, but none is added.
    waiting boolean := jsonb_path_exists(waits, '$[*] ? (@.quantity > 0)')
        OR EXISTS (SELECT FROM waiting_units w WHERE w.order_id = for_order);
    dissolved stock_grants[];
    wanted jsonb;
    waits_before jsonb := '[]';
    moves stock_move[];
    raised text[];
BEGIN
    IF waiting THEN
        PERFORM demand_lock(ARRAY (
            SELECT c.sku FROM unnest(changes) AS c
            UNION SELECT w ->> 'sku' FROM jsonb_array_elements(waits) AS w
            UNION SELECT w.sku FROM waiting_units w WHERE w.order_id = for_order
            UNION SELECT g.sku FROM stock_grants g WHERE g.order_id = for_order), true);
    END IF;
    dissolved := ARRAY (SELECT g FROM stock_grants g WHERE g.order_id = for_order AND (closing OR seen ? g.grant_id));
    moves := settlement_moves(for_order, changes, dissolved, at);
    raised := ARRAY (SELECT m.sku FROM unnest(moves) AS m WHERE m.on_hand > m.reserved);
    IF raised <> '{}' AND NOT waiting THEN
        PERFORM demand_lock(raised, false);
    END IF;

    IF changes <> '{}' THEN
        PERFORM write_reservations(for_order, changes);
    END IF;
    IF waiting THEN
        SELECT w.wanted, w.before INTO wanted, waits_before FROM wait_changes(for_order, waits, listed, closing) AS w;
    END IF;
    IF dissolved <> '{}' THEN
        DELETE FROM stock_grants g USING unnest(dissolved) AS d WHERE g.grant_id = d.grant_id;
    END IF;
    IF facts <> '[]' THEN
        moves := book_facts(for_order, facts, moves, at);
    END IF;
    -- What has just been seen is no longer taken off.
    IF waiting THEN
        PERFORM wait_for(for_order, wanted, placed);
    END IF;
    deficit_units := CASE WHEN moves = '{}' THEN 0 ELSE move_stock(moves) END;
    undo := jsonb_build_object(
        'positions', (SELECT coalesce(jsonb_agg(jsonb_build_object('fulfillment_order_id', c.fulfillment_order_id, 'line_id',
            c.line_id, 'facility_id', c.facility_id, 'sku', c.sku, 'allocated', c.old_allocated, 'consumed', c.old_consumed)), '[]')
            FROM unnest(changes) AS c),
        'waits', waits_before,
        'grants', to_jsonb(dissolved));
END $$;

-- Rows of the listed fulfillment orders, emptied: what a record lists whole and does not name is not restored either.
CREATE FUNCTION without_units(from_rows jsonb, listed text[], nothing jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(CASE WHEN r ->> 'fulfillment_order_id' = ANY (listed) THEN r || nothing ELSE r END), '[]')
    FROM jsonb_array_elements(from_rows) AS r;
$$;

-- Takes back what records above `base` wrote: a lost task's. Returns the positions and waits to restore, for the caller to
-- settle together with its own (one movement, not there and back).
CREATE FUNCTION undo_records(for_order text, base bigint, at timestamptz, OUT positions jsonb, OUT waits jsonb) LANGUAGE plpgsql AS $$
DECLARE
    undone jsonb[];
    grants jsonb;
    fulfillments jsonb;
    deficit_units bigint;
BEGIN
    -- Oldest first: for a row touched twice, the oldest undo is how it was at `base`.
    SELECT array_agg(u.undo ORDER BY u.version) INTO undone FROM record_undos u WHERE u.order_id = for_order AND u.version > base;
    SELECT coalesce(jsonb_agg(p), '[]') INTO positions FROM (
        SELECT DISTINCT ON (p -> 'fulfillment_order_id', p -> 'line_id', p -> 'facility_id', p -> 'sku') p
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'positions') AS p
        ORDER BY p -> 'fulfillment_order_id', p -> 'line_id', p -> 'facility_id', p -> 'sku', n
    ) AS oldest;
    SELECT coalesce(jsonb_agg(w), '[]') INTO waits FROM (
        SELECT DISTINCT ON (w -> 'fulfillment_order_id', w -> 'line_id') w
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'waits') AS w
        ORDER BY w -> 'fulfillment_order_id', w -> 'line_id', n
    ) AS oldest;
    SELECT jsonb_agg(f) INTO fulfillments FROM (
        SELECT DISTINCT ON (f -> 'fulfillment_order_id') f
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'fulfillment_orders') AS f
        ORDER BY f -> 'fulfillment_order_id', n
    ) AS oldest;
    SELECT jsonb_agg(g) INTO grants FROM unnest(undone) AS u, jsonb_array_elements(u -> 'grants') AS g;

    DELETE FROM fulfillment_orders f USING jsonb_array_elements(fulfillments) AS was
        WHERE f.fulfillment_order_id = was ->> 'fulfillment_order_id';
    -- A fulfillment order that did not exist before has no order_id in its undo.
    INSERT INTO fulfillment_orders SELECT f.* FROM jsonb_populate_recordset(NULL::fulfillment_orders, fulfillments) AS f
        WHERE f.order_id IS NOT NULL;
    INSERT INTO stock_grants SELECT g.* FROM jsonb_populate_recordset(NULL::stock_grants, grants) AS g;
    PERFORM move_stock(ARRAY (SELECT ROW (g.facility_id, g.sku, 0, g.quantity, 0, 'granted', for_order, g.grant_id, at)::stock_move
        FROM jsonb_populate_recordset(NULL::stock_grants, grants) AS g));
    PERFORM demand_lock(ARRAY (SELECT x.sku FROM stock_facts x WHERE x.order_id = for_order AND x.seq > base), false);
    WITH gone AS (DELETE FROM stock_facts x WHERE x.order_id = for_order AND x.seq > base RETURNING x.*)
    SELECT move_stock(array_agg(ROW (x.facility_id, x.sku, -x.on_hand, 0, -x.unavailable, 'taken_back', for_order, NULL, at)::stock_move))
    INTO deficit_units FROM gone AS x WHERE (x.on_hand, x.unavailable) <> (0, 0) HAVING count(*) > 0;
    UPDATE order_guards g SET closed_at = NULL WHERE g.order_id = for_order AND EXISTS (
        SELECT FROM unnest(undone) AS u WHERE (u -> 'closed')::boolean);
    DELETE FROM record_undos u WHERE u.order_id = for_order AND u.version > base;
    DELETE FROM order_events e WHERE e.order_id = for_order AND e.seq > base;
END $$;

-- The rows that lists and carriers are answered from. Returns the fulfillment orders as they were.
CREATE FUNCTION project(record jsonb, first boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
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
        updated_at, needs_attention, hold_reasons)
    SELECT this_order, (record -> 'version')::bigint, r.status, r.channel, r.customer_id, email_hash, r.currency, r.total_minor,
        r.placed_at, r.updated_at, r.needs_attention, r.hold_reasons
    FROM jsonb_populate_record(NULL::orders, record -> 'row') AS r
    ON CONFLICT (order_id) DO UPDATE SET version = excluded.version, status = excluded.status, channel = excluded.channel,
        customer_id = excluded.customer_id, customer_email_hash = coalesce(excluded.customer_email_hash, o.customer_email_hash),
        currency = excluded.currency, total_minor = excluded.total_minor, placed_at = excluded.placed_at,
        updated_at = excluded.updated_at, needs_attention = excluded.needs_attention, hold_reasons = excluded.hold_reasons;
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
CREATE FUNCTION record_progress(record jsonb, OUT outcome text, OUT at_generation bigint, OUT stored_version bigint,
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
