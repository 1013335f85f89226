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

CREATE TYPE position_units AS (
    facility_id text,
    sku text,
    quantity bigint
);

-- Locks positions in order, and says whether all have what is needed.
CREATE FUNCTION lock_enough(needed position_units[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    enough bigint;
BEGIN
    SELECT count(*) FILTER (WHERE locked.available >= locked.quantity) INTO enough FROM (
        SELECT s.available, n.quantity FROM unnest(needed) AS n JOIN stock s ON s.facility_id = n.facility_id AND s.sku = n.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked;
    RETURN enough = cardinality(needed);
END $$;

-- Positions that do not have what is needed, and what they have.
CREATE FUNCTION short_positions(needed position_units[]) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('facility_id', n.facility_id, 'sku', n.sku,
            'available', greatest(0, coalesce(s.available, 0)))), '[]')
        FROM unnest(needed) AS n LEFT JOIN stock s ON s.facility_id = n.facility_id AND s.sku = n.sku
        WHERE coalesce(s.available, 0) < n.quantity
    );
END $$;

-- Positions where something came for a waiting line after the plan was made: NULL if there are none. Waiting on purpose, beside
-- stock that the plan has seen, is the plan's right.
CREATE FUNCTION arrived_since(waiting jsonb, planned_at pg_snapshot) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(DISTINCT jsonb_build_object('facility_id', s.facility_id, 'sku', s.sku, 'available', s.available))
        FROM jsonb_to_recordset(waiting) AS w (sku text, only_at text[])
        JOIN stock s ON s.sku = w.sku
        JOIN facilities f ON f.facility_id = s.facility_id
        WHERE s.available > 0 AND NOT pg_visible_in_snapshot(s.raised_by, planned_at)
            AND CASE WHEN w.only_at = '{}' THEN f.ship_enabled ELSE s.facility_id = ANY (w.only_at) END
    );
END $$;

-- The conditional write itself. Whether every position gave; one alone is locked by this, several have been locked before.
CREATE FUNCTION take_units(for_order text, needed position_units[], step text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    gave bigint;
BEGIN
    WITH taken AS (
        UPDATE stock s SET reserved = s.reserved + n.quantity FROM unnest(needed) AS n
        WHERE s.facility_id = n.facility_id AND s.sku = n.sku AND s.available >= n.quantity
        RETURNING s.facility_id, s.sku, n.quantity
    )
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    SELECT t.facility_id, t.sku, 0, t.quantity, 0, 'reserved', for_order, step, now() FROM taken t;
    GET DIAGNOSTICS gave = ROW_COUNT;
    RETURN gave = cardinality(needed);
END $$;

-- The one conditional write that decides who gets stock: all positions or none, in one round trip. `needed` is what `positions`
-- add up to, each position once. The units of a checkout's hold that the request takes over are the order's before anybody else can have
-- them. Answers done (with the step's first answer), short (with what is there) or closed.
CREATE FUNCTION reserve(request jsonb, OUT outcome text, OUT detail jsonb) LANGUAGE plpgsql AS $$
DECLARE
    this_order text := request ->> 'order_id';
    step text := request ->> 'key';
    waiting jsonb := request -> 'waiting';
    needed position_units[] := ARRAY (SELECT n FROM jsonb_populate_recordset(NULL::position_units, request -> 'needed') AS n);
    spare position_units[] := '{}';
    hold text;
    closed timestamptz;
BEGIN
    -- The guard's lock keeps a repeat of this step, and a record that closes the order, out until commit.
    INSERT INTO order_guards (order_id) VALUES (this_order) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT g.closed_at INTO closed FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
        IF closed IS NOT NULL THEN
            outcome := 'closed';
            RETURN;
        END IF;
        SELECT s.answer INTO detail FROM reservation_steps s WHERE s.order_id = this_order AND s.step_key = step;
        IF FOUND THEN
            outcome := 'done';
            RETURN;
        END IF;
    END IF;
    IF request ? 'takes_over' THEN
        -- Whoever locks the hold first has it: an order, its deadline, or who gives it back.
        SELECT h.reservation_id INTO hold FROM checkout_holds h
        WHERE h.reservation_id = request ->> 'takes_over' AND h.status = 'held' FOR UPDATE;
    END IF;

    outcome := 'short';
    IF waiting <> '[]' OR hold IS NOT NULL THEN
        PERFORM demand_lock(ARRAY (SELECT w ->> 'sku' FROM jsonb_array_elements(waiting) AS w
            UNION SELECT u.sku FROM checkout_hold_units u WHERE u.reservation_id = hold), waiting <> '[]');
    END IF;
    IF waiting <> '[]' THEN
        detail := arrived_since(waiting, (request ->> 'planned_at')::pg_snapshot);
        IF detail IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    IF hold IS NOT NULL THEN
        SELECT b.needed, b.spare INTO needed, spare FROM beside_hold(hold, needed) AS b;
    END IF;
    IF (cardinality(needed) > 1 AND NOT lock_enough(needed)) OR NOT take_units(this_order, needed, step) THEN
        detail := short_positions(needed);
        RETURN;
    END IF;
    IF hold IS NOT NULL THEN
        PERFORM hand_over_hold(hold, this_order, spare, step);
    END IF;

    outcome := 'done';
    detail := request -> 'answer';
    INSERT INTO reservations AS r (order_id, fulfillment_order_id, line_id, facility_id, sku, allocated)
    SELECT this_order, p.fulfillment_order_id, p.line_id, p.facility_id, p.sku, sum(p.quantity)::bigint
    FROM jsonb_populate_recordset(NULL::unit_position, request -> 'positions') AS p
    GROUP BY p.fulfillment_order_id, p.line_id, p.facility_id, p.sku
    ON CONFLICT (order_id, fulfillment_order_id, line_id, facility_id, sku) DO UPDATE SET allocated = r.allocated + excluded.allocated;
    INSERT INTO reservation_steps (order_id, step_key, answer) VALUES (this_order, step, detail);
    IF waiting <> '[]' THEN
        PERFORM wait_for(this_order, waiting, now());
    END IF;
    IF request -> 'decision' <> 'null' THEN
        INSERT INTO decisions (order_id, round, decision)
        SELECT this_order, coalesce(max(d.round), 0) + 1, request -> 'decision' FROM decisions d WHERE d.order_id = this_order;
    END IF;
END $$;

-- Planned once a session, by index: planning takes longer than all the rest, and for lack of anything better the planner takes
-- every array for some rows and would read a table of thousands whole for the one row that an order of one line needs.
ALTER FUNCTION reserve(jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION reserve(jsonb) SET enable_seqscan = off;
