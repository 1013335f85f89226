-- One message an order for the grants made in this call; orders that wait as a whole get a hint, known by its id: plan again.
CREATE OR REPLACE FUNCTION announce_grants(grant_ids text[], hinted text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO order_inbox (order_id, kind, payload)
    SELECT order_id, 'stock_arrived', jsonb_build_object('grants', coalesce(jsonb_agg(given ORDER BY given ->> 'grant_id')
        FILTER (WHERE given IS NOT NULL), '[]')) || CASE WHEN order_id = ANY (hinted)
        THEN jsonb_build_object('hint_id', gen_random_uuid()) ELSE '{}' END
    FROM (
        SELECT g.order_id, to_jsonb(g) - 'order_id' AS given FROM stock_grants g WHERE g.grant_id = ANY (grant_ids)
        UNION ALL
        SELECT DISTINCT hint, NULL::jsonb FROM unnest(hinted) AS hint
    ) AS told
    GROUP BY order_id
    ORDER BY order_id;
$$;

-- Gives what one position has to those who wait for it, first come first served within a priority.
CREATE OR REPLACE FUNCTION serve_position(at_facility text, of_sku text, INOUT grant_ids text[], INOUT hinted text[]) LANGUAGE plpgsql AS $$
DECLARE
    waiter waiting_units;
    remaining bigint;
    taken bigint;
    new_grant text;
BEGIN
    SELECT available INTO remaining FROM stock WHERE facility_id = at_facility AND sku = of_sku;
    FOR waiter IN
        SELECT w.* FROM waiting_units w
        WHERE w.sku = of_sku AND CASE WHEN w.only_at = '{}'
            THEN EXISTS (SELECT FROM facilities f WHERE f.facility_id = at_facility AND f.ship_enabled)
            ELSE at_facility = ANY (w.only_at) END
            AND NOT EXISTS (SELECT FROM stock_facts x WHERE x.order_id = w.order_id AND x.line_id = w.line_id
                AND x.facility_id = at_facility AND (x.offered_again_at IS NULL OR x.offered_again_at > now()))
        ORDER BY w.priority DESC, w.placed_at, w.order_id, w.fulfillment_order_id, w.line_id
        FOR UPDATE OF w
    LOOP
        EXIT WHEN remaining <= 0;
        IF waiter.whole_order THEN
            hinted := hinted || waiter.order_id;
            CONTINUE;
        END IF;
        taken := least(remaining, waiter.quantity);
        remaining := remaining - taken;
        INSERT INTO stock_grants (order_id, fulfillment_order_id, line_id, sku, facility_id, quantity)
        VALUES (waiter.order_id, waiter.fulfillment_order_id, waiter.line_id, of_sku, at_facility, taken)
        RETURNING grant_id INTO new_grant;
        grant_ids := grant_ids || new_grant;
        DELETE FROM waiting_units w WHERE taken = waiter.quantity AND (w.order_id, w.fulfillment_order_id, w.line_id)
            = (waiter.order_id, waiter.fulfillment_order_id, waiter.line_id);
        UPDATE waiting_units w SET quantity = w.quantity - taken WHERE (w.order_id, w.fulfillment_order_id, w.line_id)
            = (waiter.order_id, waiter.fulfillment_order_id, waiter.line_id);
        UPDATE stock SET reserved = reserved + taken WHERE facility_id = at_facility AND sku = of_sku;
        INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
        VALUES (at_facility, of_sku, 0, taken, 0, 'granted', waiter.order_id, new_grant, now());
    END LOOP;
END $$;

-- Serves waiting units from the positions raised by this transaction, whose rows it has locked. By SKU first, so that two
-- transactions meet the same waiting rows in the same order.
CREATE OR REPLACE FUNCTION serve_waiting(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    raised record;
    grant_ids text[] := '{}';
    hinted text[] := '{}';
BEGIN
    FOR raised IN
        SELECT DISTINCT p.sku, p.facility_id FROM unnest(facility_ids, skus) AS p (facility_id, sku)
        WHERE EXISTS (SELECT FROM waiting_units w WHERE w.sku = p.sku)
        ORDER BY p.sku, p.facility_id
    LOOP
        SELECT * INTO grant_ids, hinted FROM serve_position(raised.facility_id, raised.sku, grant_ids, hinted);
    END LOOP;
    IF grant_ids <> '{}' OR hinted <> '{}' THEN
        PERFORM announce_grants(grant_ids, hinted);
    END IF;
END $$;

-- Units granted to an order's waiting lines that no record has seen yet.
CREATE OR REPLACE FUNCTION unseen_grants(for_order text) RETURNS TABLE (fulfillment_order_id text, line_id text, quantity bigint)
LANGUAGE sql STABLE AS $$
    SELECT g.fulfillment_order_id, g.line_id, sum(g.quantity)::bigint FROM stock_grants g WHERE g.order_id = for_order
    GROUP BY g.fulfillment_order_id, g.line_id;
$$;

-- Keeps an order waiting for units, as it knows the matter: what was granted and not seen yet is taken off, nothing wanted is
-- no row. Fields a caller leaves out keep what the row has. The caller holds the exclusive demand_lock of every SKU named.
CREATE OR REPLACE FUNCTION wait_for(for_order text, wanted jsonb, placed timestamptz) RETURNS void LANGUAGE plpgsql AS $$
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

-- Positions where something came for a waiting line after the plan was made: NULL if there are none. Waiting on purpose, beside
-- stock that the plan has seen, is the plan's right.
CREATE OR REPLACE FUNCTION arrived_since(waiting jsonb, planned_at pg_snapshot) RETURNS jsonb LANGUAGE plpgsql AS $$
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
