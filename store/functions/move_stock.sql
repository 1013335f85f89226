-- Everything that changes a position's units goes through move_stock, except reserve(), which must be able to say no.

-- Applies movements as facts, writes the ledger, and serves whoever waits for what they set free.
-- Returns by how much the recorded deficit grew. The caller holds demand_lock for SKUs whose availability may rise.
CREATE OR REPLACE FUNCTION move_stock(moves stock_move[]) RETURNS bigint LANGUAGE plpgsql AS $$
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
