-- Everything that changes a position's units goes through move_stock, except reserve(), which must be able to say no.
CREATE TYPE stock_move AS (
    facility_id text,
    sku text,
    on_hand bigint,
    reserved bigint,
    unavailable bigint,
    cause text,
    order_id text,
    reference text,
    occurred_at timestamptz
);

-- Closes the gap between "nothing there, so I wait" and "something came, nobody waits": whoever adds or changes waiting rows
-- of a SKU excludes whoever raises its availability, until commit. 64 shards, because a feed's batch touches thousands of
-- SKUs and the server's lock table is small. Taken before any stock row, in shard order.
CREATE FUNCTION demand_lock(skus text[], exclusive boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM CASE WHEN exclusive THEN pg_advisory_xact_lock(20251, shard) ELSE pg_advisory_xact_lock_shared(20251, shard) END
    FROM (SELECT DISTINCT hashtext(sku) & 63 AS shard FROM unnest(skus) AS sku ORDER BY shard) AS shards;
END $$;

-- One message an order for the grants made in this call; orders that wait as a whole get an empty one: plan again.
CREATE FUNCTION announce_grants(grant_ids text[], hinted text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO order_inbox (order_id, kind, payload)
    SELECT order_id, 'stock_arrived', jsonb_build_object('grants', coalesce(jsonb_agg(given ORDER BY given ->> 'grant_id')
        FILTER (WHERE given IS NOT NULL), '[]'))
    FROM (
        SELECT g.order_id, to_jsonb(g) - 'order_id' AS given FROM stock_grants g WHERE g.grant_id = ANY (grant_ids)
        UNION ALL
        SELECT DISTINCT hint, NULL::jsonb FROM unnest(hinted) AS hint
    ) AS told
    GROUP BY order_id
    ORDER BY order_id;
$$;

-- Gives what one position has to those who wait for it, first come first served within a priority.
CREATE FUNCTION serve_position(at_facility text, of_sku text, INOUT grant_ids text[], INOUT hinted text[]) LANGUAGE plpgsql AS $$
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
CREATE FUNCTION serve_waiting(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
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

-- Applies movements as facts, writes the ledger, and serves whoever waits for what they set free.
-- Returns by how much the recorded deficit grew. The caller holds demand_lock for SKUs whose availability may rise.
CREATE FUNCTION move_stock(moves stock_move[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known bigint;
    deficit_before bigint;
    deficit_after bigint;
    raised_facilities text[];
    raised_skus text[];
    short_facilities text[];
    short_skus text[];
BEGIN
    -- Every writer locks positions in this order, so that no two wait for each other.
    SELECT count(*), coalesce(sum(locked.deficit), 0) INTO known, deficit_before FROM (
        SELECT s.deficit FROM stock s JOIN (SELECT DISTINCT m.facility_id, m.sku FROM unnest(moves) AS m) AS wanted
            ON s.facility_id = wanted.facility_id AND s.sku = wanted.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked;
    IF known < cardinality(moves) THEN
        INSERT INTO stock (facility_id, sku)
        SELECT DISTINCT m.facility_id, m.sku FROM unnest(moves) AS m
        WHERE NOT EXISTS (SELECT FROM stock s WHERE (s.facility_id, s.sku) = (m.facility_id, m.sku))
        ON CONFLICT DO NOTHING;
    END IF;

    WITH net AS (
        SELECT m.facility_id, m.sku, sum(m.on_hand)::bigint AS on_hand, sum(m.reserved)::bigint AS reserved,
            sum(m.unavailable)::bigint AS unavailable
        FROM unnest(moves) AS m GROUP BY m.facility_id, m.sku
    ), moved AS (
        UPDATE stock s SET
            on_hand = s.on_hand + net.on_hand,
            reserved = s.reserved + net.reserved,
            unavailable = s.unavailable + net.unavailable,
            -- Grows by no more than this movement worsens things: it must not explain away what went wrong before it.
            deficit = greatest(0, least(s.reserved + net.reserved - s.on_hand - net.on_hand - s.oversell_limit,
                s.deficit + greatest(0, net.reserved - net.on_hand))),
            raised_by = CASE WHEN net.on_hand > net.reserved + net.unavailable THEN pg_current_xact_id() ELSE s.raised_by END
        FROM net WHERE s.facility_id = net.facility_id AND s.sku = net.sku
        RETURNING s.facility_id, s.sku, s.deficit, s.available > 0 AND net.on_hand > net.reserved + net.unavailable AS raised,
            s.deficit > 0 AND net.reserved > net.on_hand AS worsened
    )
    SELECT coalesce(sum(moved.deficit), 0), array_agg(moved.facility_id) FILTER (WHERE raised), array_agg(moved.sku) FILTER (WHERE raised),
        array_agg(moved.facility_id) FILTER (WHERE worsened), array_agg(moved.sku) FILTER (WHERE worsened)
    INTO deficit_after, raised_facilities, raised_skus, short_facilities, short_skus FROM moved;

    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    SELECT m.facility_id, m.sku, m.on_hand, m.reserved, m.unavailable, m.cause, m.order_id, m.reference, m.occurred_at
    FROM unnest(moves) AS m;

    IF short_skus IS NOT NULL THEN
        PERFORM choose_shorts(short_facilities, short_skus);
    END IF;
    IF raised_skus IS NOT NULL THEN
        UPDATE stock_facts x SET offered_again_at = '-infinity' FROM unnest(moves) AS m
        WHERE m.on_hand > 0 AND m.cause IN ('receipt', 'correction', 'return', 'transfer_in') AND x.offered_again_at IS NULL
            AND (x.sku, x.facility_id) = (m.sku, m.facility_id) AND m.occurred_at > x.occurred_at
            AND x.reason IN ('not_in_stock', 'mismatch', 'damaged');
        PERFORM serve_waiting(raised_facilities, raised_skus);
    END IF;
    RETURN greatest(0, deficit_after - deficit_before);
END $$;
