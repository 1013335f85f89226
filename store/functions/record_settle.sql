-- What the order's rows have to become. A fulfillment order that a record lists is listed whole: what it holds here and the
-- record does not name has left it. A closed order keeps what it consumed and nothing else.
CREATE OR REPLACE FUNCTION reservation_changes(for_order text, positions jsonb, listed text[], closing boolean) RETURNS reservation_change[]
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

CREATE OR REPLACE FUNCTION write_reservations(for_order text, changes reservation_change[]) RETURNS void LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION settlement_moves(for_order text, changes reservation_change[], dissolved stock_grants[], at timestamptz)
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

-- What the order has to wait for, by the same rules, as far as that changes: rows of waiting_units, whose quantity includes granted
-- units that the order has not seen. A row that was not there waited for nothing.
CREATE OR REPLACE FUNCTION wait_changes(for_order text, waits jsonb, listed text[], closing boolean) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(coalesce(to_jsonb(w), h.held)
            || jsonb_build_object('quantity', CASE WHEN closing THEN 0 ELSE coalesce(w.quantity, 0) END)), '[]')
        FROM jsonb_populate_recordset(NULL::waiting_units, waits) AS w
        FULL JOIN (
            SELECT u.fulfillment_order_id, u.line_id,
                to_jsonb(u) || jsonb_build_object('quantity', u.quantity + coalesce(g.quantity, 0)) AS held
            FROM waiting_units u LEFT JOIN unseen_grants(for_order) AS g USING (fulfillment_order_id, line_id)
            WHERE u.order_id = for_order
        ) AS h USING (fulfillment_order_id, line_id)
        WHERE (closing OR w.quantity IS NOT NULL OR fulfillment_order_id = ANY (listed)) AND (h.held IS NOT NULL OR w.quantity > 0)
    );
END $$;

-- Grants that the record dissolves: those it has seen, or all. Offers, too, of what it lists: the order has not planned with them, and may
-- not have known what they were about. If it still waits, the units are offered to whoever is first.
CREATE OR REPLACE FUNCTION dissolved_grants(for_order text, listed text[], seen jsonb, closing boolean) RETURNS stock_grants[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY (SELECT g FROM stock_grants g WHERE g.order_id = for_order AND (closing OR seen ? g.grant_id
        OR g.offered_until IS NOT NULL AND g.fulfillment_order_id = ANY (listed)));
END $$;

-- Units may be granted before the order knows the answer that has them wait: what it records for the first time it is told once more.
CREATE OR REPLACE FUNCTION tell_again(for_order text, listed text[]) RETURNS void LANGUAGE sql AS $$
    SELECT announce_grants(ARRAY (
        SELECT g.grant_id FROM stock_grants g
        WHERE g.order_id = for_order AND g.offered_until IS NULL AND g.fulfillment_order_id = ANY (listed)
            AND NOT EXISTS (SELECT FROM fulfillment_orders f WHERE f.fulfillment_order_id = g.fulfillment_order_id)));
$$;

-- Locks all positions that the record can touch, before it touches anything: what it moves, what facts are about, and, where it has taken
-- notice of shorts, where others may be asked for what it did not give (see forget_shorts).
CREATE OR REPLACE FUNCTION lock_settled(for_order text, changes reservation_change[], listed text[], seen jsonb, facts jsonb, closing boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_positions(array_agg(p.facility_id), array_agg(p.sku)) FROM (
        SELECT c.facility_id, c.sku FROM unnest(changes) AS c
        UNION SELECT f.facility_id, f.sku FROM jsonb_to_recordset(facts) AS f (facility_id text, sku text)
        UNION SELECT g.facility_id, g.sku FROM unnest(dissolved_grants(for_order, listed, seen, closing)) AS g
        UNION SELECT x.facility_id, x.sku FROM stock_shorts x WHERE x.order_id = for_order AND (closing OR seen ? x.short_id)
        UNION SELECT r.facility_id, r.sku FROM reservations r WHERE r.order_id = for_order AND r.allocated > 0 AND (closing OR seen <> '[]')
    ) AS p;
END $$;

-- Brings the order's units to where the record says they are; those of `again` keep their place in the queue while they are planned again.
-- Returns the units it took beyond what was there.
CREATE OR REPLACE FUNCTION settle(for_order text, positions jsonb, waits jsonb, listed text[], again text[], seen jsonb, facts jsonb,
    closing boolean, at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    -- What is planned again may have had units before it waited.
    changes reservation_change[] := reservation_changes(for_order, positions, listed || again, closing);
    -- The guard is held: the order's rows may be served meanwhile, but none is added.
    waiting boolean := jsonb_path_exists(waits, '$[*] ? (@.quantity > 0)')
        OR EXISTS (SELECT FROM waiting_units w WHERE w.order_id = for_order);
    dissolved stock_grants[];
    wanted jsonb;
    moves stock_move[];
    raised text[];
BEGIN
    IF waiting THEN
        PERFORM demand_lock(ARRAY (
            SELECT c.sku FROM unnest(changes) AS c
            UNION SELECT w ->> 'sku' FROM jsonb_array_elements(waits) AS w
            UNION SELECT w.sku FROM waiting_units w WHERE w.order_id = for_order
            UNION SELECT g.sku FROM stock_grants g WHERE g.order_id = for_order), true);
    ELSE
        raised := ARRAY (SELECT m.sku FROM unnest(settlement_moves(for_order, changes, dissolved_grants(for_order, listed, seen, closing), at)) AS m
            WHERE m.on_hand > m.reserved);
        IF raised <> '{}' THEN
            PERFORM demand_lock(raised, false);
        END IF;
    END IF;
    PERFORM lock_settled(for_order, changes, listed, seen, facts, closing);

    -- Until now a fact may have taken units of what the order was offered.
    dissolved := dissolved_grants(for_order, listed, seen, closing);
    moves := settlement_moves(for_order, changes, dissolved, at);
    IF again <> '{}' THEN
        UPDATE waiting_units w SET planning = true WHERE w.order_id = for_order AND w.fulfillment_order_id = ANY (again);
    END IF;
    IF changes <> '{}' THEN
        PERFORM write_reservations(for_order, changes);
    END IF;
    IF waiting THEN
        wanted := wait_changes(for_order, waits, listed, closing);
    END IF;
    IF dissolved <> '{}' THEN
        DELETE FROM stock_grants g USING unnest(dissolved) AS d WHERE g.grant_id = d.grant_id;
    END IF;
    IF facts <> '[]' THEN
        moves := book_facts(for_order, facts, moves, at);
    END IF;
    -- What has just been seen is no longer taken off.
    IF waiting THEN
        PERFORM wait_for(for_order, wanted);
        PERFORM tell_again(for_order, listed);
    END IF;
    RETURN CASE WHEN moves = '{}' THEN 0 ELSE move_stock(moves) END;
END $$;
