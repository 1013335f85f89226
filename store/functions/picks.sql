-- Brings the ledger of picked units to where the order's fulfillment orders are now. Units that are being picked are still counted as
-- on the shelf: nobody has said yet that they are not.
CREATE OR REPLACE FUNCTION note_picks(for_order text, at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO picks (order_id, facility_id, sku, units, occurred_at)
    SELECT for_order, facility_id, sku, sum(units), at FROM (
        SELECT r.facility_id, r.sku, r.allocated AS units FROM reservations r JOIN fulfillment_orders f USING (fulfillment_order_id)
            JOIN fulfillment_statuses t USING (status)
        WHERE r.order_id = for_order AND r.allocated > 0 AND t.is_packed
        UNION ALL
        SELECT p.facility_id, p.sku, -p.units FROM picks p WHERE p.order_id = for_order
    ) AS parts
    GROUP BY facility_id, sku HAVING sum(units) <> 0;
$$;
