-- Units granted to an order's waiting lines that no record has seen yet.
CREATE FUNCTION unseen_grants(for_order text) RETURNS TABLE (fulfillment_order_id text, line_id text, quantity bigint)
LANGUAGE sql STABLE AS $$
    SELECT g.fulfillment_order_id, g.line_id, sum(g.quantity)::bigint FROM stock_grants g WHERE g.order_id = for_order
    GROUP BY g.fulfillment_order_id, g.line_id;
$$;

-- Keeps an order waiting for units, as it knows the matter: what was granted and not seen yet is taken off, nothing wanted is
-- no row. Fields a caller leaves out keep what the row has. The caller holds the exclusive demand_lock of every SKU named.
CREATE FUNCTION wait_for(for_order text, wanted jsonb, placed timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH net AS (
        SELECT w.fulfillment_order_id, w.line_id, w.sku, w.priority, w.placed_at, w.whole_order, w.only_at, w.expires_at,
            w.quantity - coalesce(g.quantity, 0) AS quantity
        FROM jsonb_populate_recordset(NULL::waiting_units, wanted) AS w
        LEFT JOIN unseen_grants(for_order) AS g ON (g.fulfillment_order_id, g.line_id) = (w.fulfillment_order_id, w.line_id)
    ), gone AS (
        DELETE FROM waiting_units w USING net WHERE w.order_id = for_order AND net.quantity <= 0
            AND (w.fulfillment_order_id, w.line_id) = (net.fulfillment_order_id, net.line_id)
    )
    INSERT INTO waiting_units AS held (order_id, fulfillment_order_id, line_id, sku, quantity, priority, placed_at, whole_order,
        only_at, expires_at)
    SELECT for_order, net.fulfillment_order_id, net.line_id, net.sku, net.quantity, coalesce(net.priority, 0),
        coalesce(net.placed_at, placed), coalesce(net.whole_order, false), coalesce(net.only_at, '{}'), net.expires_at
    FROM net WHERE net.quantity > 0
    ON CONFLICT (order_id, fulfillment_order_id, line_id) DO UPDATE SET sku = excluded.sku, quantity = excluded.quantity;
END $$;

CREATE TYPE unit_position AS (
    fulfillment_order_id text,
    line_id text,
    facility_id text,
    sku text,
    quantity bigint
);

-- Positions that cannot give what is wanted, and positions where something came for a waiting line after the plan was made.
-- Locks the wanted positions, in order.
CREATE FUNCTION short_positions(wanted unit_position[], waiting jsonb, planned_at pg_snapshot) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        WITH needed AS (
            SELECT p.facility_id, p.sku, sum(p.quantity)::bigint AS quantity FROM unnest(wanted) AS p GROUP BY p.facility_id, p.sku
        ), locked AS MATERIALIZED (
            SELECT s.facility_id, s.sku, s.available, n.quantity
            FROM stock s JOIN needed n ON s.facility_id = n.facility_id AND s.sku = n.sku
            ORDER BY s.facility_id, s.sku FOR UPDATE OF s
        ), short AS (
            SELECT l.facility_id, l.sku, l.available FROM locked l WHERE l.available < l.quantity
            UNION
            SELECT n.facility_id, n.sku, 0 FROM needed n
            WHERE NOT EXISTS (SELECT FROM stock s WHERE s.facility_id = n.facility_id AND s.sku = n.sku)
            UNION
            SELECT s.facility_id, s.sku, s.available
            FROM jsonb_to_recordset(waiting) AS w (sku text, only_at text[])
            JOIN stock s ON s.sku = w.sku
            JOIN facilities f ON f.facility_id = s.facility_id
            WHERE s.available > 0 AND NOT pg_visible_in_snapshot(s.raised_by, planned_at)
                AND CASE WHEN w.only_at = '{}' THEN f.ship_enabled ELSE s.facility_id = ANY (w.only_at) END
        )
        SELECT jsonb_agg(jsonb_build_object('facility_id', facility_id, 'sku', sku, 'available', greatest(0, available))
            ORDER BY facility_id, sku) FROM short
    );
END $$;

-- Takes units from positions whose locks are held and which were found to have them.
CREATE FUNCTION take_units(for_order text, wanted unit_position[], step text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH taken AS (
        UPDATE stock s SET reserved = s.reserved + n.quantity
        FROM (SELECT p.facility_id, p.sku, sum(p.quantity)::bigint AS quantity FROM unnest(wanted) AS p
            GROUP BY p.facility_id, p.sku) AS n
        WHERE s.facility_id = n.facility_id AND s.sku = n.sku
        RETURNING s.facility_id, s.sku, n.quantity
    )
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    SELECT t.facility_id, t.sku, 0, t.quantity, 0, 'reserved', for_order, step, now() FROM taken t;

    INSERT INTO reservations AS r (order_id, fulfillment_order_id, line_id, facility_id, sku, allocated)
    SELECT for_order, p.fulfillment_order_id, p.line_id, p.facility_id, p.sku, sum(p.quantity)::bigint FROM unnest(wanted) AS p
    GROUP BY p.fulfillment_order_id, p.line_id, p.facility_id, p.sku
    ON CONFLICT (order_id, fulfillment_order_id, line_id, facility_id, sku) DO UPDATE SET allocated = r.allocated + excluded.allocated;
END $$;

-- The one conditional write that decides who gets stock: all positions or none, in one round trip.
-- Answers done (with the step's first answer), short (with what is there) or closed.
CREATE FUNCTION reserve(request jsonb, OUT outcome text, OUT detail jsonb) LANGUAGE plpgsql AS $$
DECLARE
    this_order text := request ->> 'order_id';
    step text := request ->> 'key';
    wanted unit_position[] := ARRAY (SELECT p FROM jsonb_populate_recordset(NULL::unit_position, request -> 'positions') AS p);
    waiting jsonb := request -> 'waiting';
    closed timestamptz;
BEGIN
    -- The guard's lock keeps a repeat of this step, and a record that closes the order, out until commit.
    INSERT INTO order_guards (order_id) VALUES (this_order) ON CONFLICT DO NOTHING;
    SELECT closed_at INTO closed FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
    IF closed IS NOT NULL THEN
        outcome := 'closed';
        RETURN;
    END IF;
    SELECT s.answer INTO detail FROM reservation_steps s WHERE s.order_id = this_order AND s.step_key = step;
    IF FOUND THEN
        outcome := 'done';
        RETURN;
    END IF;

    IF waiting <> '[]' THEN
        PERFORM demand_lock(ARRAY (SELECT w ->> 'sku' FROM jsonb_array_elements(waiting) AS w), true);
    END IF;
    detail := short_positions(wanted, waiting, (request ->> 'planned_at')::pg_snapshot);
    IF detail IS NOT NULL THEN
        outcome := 'short';
        RETURN;
    END IF;

    PERFORM take_units(this_order, wanted, step);
    IF waiting <> '[]' THEN
        PERFORM wait_for(this_order, waiting, now());
    END IF;
    detail := request -> 'answer';
    INSERT INTO reservation_steps (order_id, step_key, answer) VALUES (this_order, step, detail);
    IF request -> 'decision' <> 'null' THEN
        INSERT INTO decisions (order_id, round, decision)
        SELECT this_order, coalesce(max(d.round), 0) + 1, request -> 'decision' FROM decisions d WHERE d.order_id = this_order;
    END IF;
    outcome := 'done';
END $$;

-- Planned once a session, by index: planning takes longer than all the rest, and for lack of anything better the planner takes
-- every array for some rows and would read a table of thousands whole for the one row that an order of one line needs.
ALTER FUNCTION reserve(jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION reserve(jsonb) SET enable_seqscan = off;
