-- The rows that lists and carriers are answered from. Returns the fulfillment orders as they were.
CREATE OR REPLACE FUNCTION project(record jsonb, first boolean, new_keys text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
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
        -- Only the first record knows who the customer is.
        customer_email_hash = coalesce(excluded.customer_email_hash, o.customer_email_hash),
        currency = excluded.currency, total_minor = excluded.total_minor, placed_at = excluded.placed_at,
        updated_at = excluded.updated_at, needs_attention = excluded.needs_attention, hold_reasons = excluded.hold_reasons,
        next_wait_at = excluded.next_wait_at, look_again_at = NULL;
    IF record -> 'row' -> 'skus' <> '[]' THEN
        INSERT INTO order_skus (sku, order_id, placed_at)
        SELECT sku, this_order, (record -> 'row' ->> 'placed_at')::timestamptz
        FROM jsonb_array_elements_text(record -> 'row' -> 'skus') AS sku
        ON CONFLICT DO NOTHING;
    END IF;
    IF record -> 'row' -> 'gone_skus' <> '[]' THEN
        DELETE FROM order_skus s USING jsonb_array_elements_text(record -> 'row' -> 'gone_skus') AS gone (sku)
        WHERE (s.sku, s.order_id) = (gone.sku, this_order);
    END IF;
    IF changed = '[]' THEN
        RETURN changed;
    END IF;

    SELECT jsonb_agg(coalesce(to_jsonb(f), jsonb_build_object('fulfillment_order_id', c.fulfillment_order_id))) INTO before
    FROM jsonb_to_recordset(changed) AS c (fulfillment_order_id text) LEFT JOIN fulfillment_orders f USING (fulfillment_order_id);
    INSERT INTO fulfillment_orders AS f (fulfillment_order_id, order_id, facility_id, status, delivery_method, ship_by, placed_at,
        updated_at)
    SELECT c.fulfillment_order_id, this_order, c.facility_id, c.status, c.delivery_method, c.ship_by,
        (record -> 'row' ->> 'placed_at')::timestamptz, c.updated_at
    FROM jsonb_populate_recordset(NULL::fulfillment_orders, changed) AS c
    ON CONFLICT (fulfillment_order_id) DO UPDATE SET facility_id = excluded.facility_id, status = excluded.status,
        delivery_method = excluded.delivery_method, ship_by = coalesce(excluded.ship_by, f.ship_by), updated_at = excluded.updated_at;
    IF jsonb_path_exists(changed, '$[*].parcels[*]') THEN
        PERFORM write_parcels(this_order, changed, new_keys);
    END IF;
    RETURN before;
END $$;

-- Whether these events stand in the order's timeline already, word for word but for their times.
CREATE OR REPLACE FUNCTION stands(for_order text, events jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM jsonb_to_recordset(events) AS n (seq bigint, id uuid)
        LEFT JOIN order_events e ON e.order_id = for_order AND e.seq = n.seq
        WHERE e.id IS DISTINCT FROM n.id);
$$;

-- Keeps what an order began as: its policy with those of others.
CREATE OR REPLACE FUNCTION keep_beginning(of_order text, beginning jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- NULL: it says none.
    policy_is uuid := md5((beginning -> 'policy')::text)::uuid;
BEGIN
    IF policy_is IS NOT NULL THEN
        INSERT INTO policies (policy_id, policy) VALUES (policy_is, beginning -> 'policy') ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO order_cores (order_id, core, policy_id) VALUES (of_order, beginning - 'policy', policy_is)
    ON CONFLICT (order_id) DO UPDATE SET core = excluded.core, policy_id = excluded.policy_id;
END $$;

-- The one way an order's progress becomes durable here: it is appended at a version. Version check, units, projection and events, in one
-- round trip. Answers appended; or, with nothing changed: same, where the same stands there already; other, where something else does;
-- behind, where what it comes after is missing.
CREATE OR REPLACE FUNCTION record_progress(record jsonb, OUT outcome text, OUT stored_version bigint, OUT deficit_units bigint)
LANGUAGE plpgsql AS $$
DECLARE
    this_order text := record ->> 'order_id';
    base bigint := (record -> 'base')::bigint;
    closing boolean := (record -> 'closed')::boolean;
    at timestamptz := record -> 'row' ->> 'updated_at';
    positions jsonb := record -> 'positions';
    waits jsonb := record -> 'waits';
    -- Those whose waiting has ended only so that their units are planned again.
    again text[] := ARRAY (SELECT f ->> 'fulfillment_order_id' FROM jsonb_array_elements(record -> 'fulfillment_orders') AS f
        WHERE (f -> 'planned_again')::boolean);
    listed text[] := ARRAY (SELECT f ->> 'fulfillment_order_id' FROM jsonb_array_elements(record -> 'fulfillment_orders') AS f
        WHERE NOT (f -> 'planned_again')::boolean
        UNION ALL SELECT w.fulfillment_order_id FROM waiting_units w
        WHERE w.order_id = this_order AND w.planning AND NOT (record -> 'planning')::boolean);
    fulfillments jsonb;
    new_keys text[];
    -- Events for others that it has had.
    told bigint;
BEGIN
    SELECT g.version, g.published INTO stored_version, told FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO order_guards (order_id) VALUES (this_order) ON CONFLICT DO NOTHING;
        SELECT g.version, g.published INTO stored_version, told FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
    END IF;
    deficit_units := 0;
    IF stored_version <> base THEN
        outcome := CASE WHEN stored_version < base THEN 'behind' WHEN stands(this_order, record -> 'events') THEN 'same' ELSE 'other' END;
        RETURN;
    END IF;

    -- The guard's version is all that keeps events of one number apart: see 0120_months.sql.
    IF EXISTS (SELECT FROM jsonb_to_recordset(record -> 'events') AS n (seq bigint)
            GROUP BY n.seq HAVING count(*) > 1 OR n.seq <= base OR n.seq > (record -> 'version')::bigint) THEN
        RAISE check_violation USING MESSAGE = 'events that are not of the versions recorded';
    END IF;

    outcome := 'appended';
    PERFORM act_as(record -> 'by');
    new_keys := new_tracking_keys(record -> 'fulfillment_orders');
    IF closing OR positions <> '[]' OR waits <> '[]' OR listed <> '{}' OR again <> '{}' OR record -> 'grants_seen' <> '[]' THEN
        deficit_units := settle(this_order, positions, waits, listed, again, record -> 'grants_seen', record -> 'stock_facts', closing, at);
    END IF;
    fulfillments := project(record, base = 0, new_keys);
    PERFORM settle_capacity(this_order, record -> 'fulfillment_orders', fulfillments);
    IF closing OR EXISTS (SELECT FROM jsonb_to_recordset(record -> 'fulfillment_orders' || fulfillments) AS f (status text)
            JOIN fulfillment_statuses t USING (status) WHERE t.is_packed) THEN
        PERFORM note_picks(this_order, at);
    END IF;
    IF closing THEN
        -- Whoever repeats a step is told that the order is closed.
        DELETE FROM reservation_steps s WHERE s.order_id = this_order;
    END IF;
    IF closing OR record -> 'grants_seen' <> '[]' THEN
        PERFORM forget_shorts(this_order, record -> 'grants_seen', closing);
    END IF;
    IF record -> 'beginning' <> 'null' THEN
        PERFORM keep_beginning(this_order, record -> 'beginning');
    END IF;
    INSERT INTO order_events (order_id, seq, id, kind, at, data, actor_kind, actor_id, station_id, request_id, sequence)
    SELECT this_order, n.seq, n.id, n.kind, n.at, n.data, n.by ->> 'kind', n.by ->> 'id', n.by ->> 'station', n.by ->> 'request_id',
        CASE WHEN n.public THEN told + count(*) FILTER (WHERE n.public) OVER (ORDER BY n.seq) END
    FROM jsonb_to_recordset(record -> 'events') AS n (seq bigint, id uuid, kind text, at timestamptz, data jsonb, by jsonb, public boolean)
    ORDER BY n.seq;
    IF record -> 'commands' <> '[]' THEN
        INSERT INTO order_commands (order_id, command_id, body_hash, version)
        SELECT this_order, c.command_id, c.body_hash, c.version FROM jsonb_populate_recordset(NULL::order_commands, record -> 'commands') AS c
        ON CONFLICT (order_id, (md5(command_id)::uuid)) DO UPDATE SET body_hash = excluded.body_hash, version = excluded.version, led_to_nothing = false
        WHERE order_commands.led_to_nothing;
    END IF;
    stored_version := (record -> 'version')::bigint;
    UPDATE order_guards g SET version = stored_version,
        published = told + (SELECT count(*) FROM jsonb_to_recordset(record -> 'events') AS n (public boolean) WHERE n.public), closed_at = coalesce(g.closed_at, CASE WHEN closing THEN now() END)
    WHERE g.order_id = this_order;
END $$;

-- See reserve().
ALTER FUNCTION record_progress(jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION record_progress(jsonb) SET enable_seqscan = off;
