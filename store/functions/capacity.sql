-- Takes a token on the first of these days that has room: conditional, like stock. Where none has, on the last one, beyond its
-- capacity: the release has been decided, and plans avoid a place that is full.
CREATE OR REPLACE FUNCTION take_token(of_fulfillment text, for_order text, at_facility text, days date[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    room bigint := (SELECT f.daily_order_capacity FROM facilities f WHERE f.facility_id = at_facility);
    day date;
BEGIN
    IF room IS NULL OR EXISTS (SELECT FROM capacity_tokens t WHERE t.fulfillment_order_id = of_fulfillment) THEN
        RETURN;
    END IF;
    FOREACH day IN ARRAY days LOOP
        INSERT INTO capacity_days (facility_id, local_day, taken) VALUES (at_facility, day, 0) ON CONFLICT DO NOTHING;
        UPDATE capacity_days d SET taken = d.taken + 1
        WHERE d.facility_id = at_facility AND d.local_day = day AND (d.taken < room OR day = days[cardinality(days)]);
        EXIT WHEN FOUND;
    END LOOP;
    INSERT INTO capacity_tokens (fulfillment_order_id, order_id, facility_id, local_day) VALUES (of_fulfillment, for_order, at_facility, day);
END $$;

-- What is released takes a token; what leaves its facility before anyone has begun to pick gives it back. `before` is how the
-- fulfillment orders were.
CREATE OR REPLACE FUNCTION settle_capacity(for_order text, changed jsonb, before jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.fulfillment_order_id, c.facility_id, c.ship_days, t.is_queued, was.is_queued AND NOT t.holds_stock AND NOT t.has_left AS left_queue
        FROM jsonb_to_recordset(changed) AS c (fulfillment_order_id text, facility_id text, status text, ship_days date[])
        LEFT JOIN jsonb_to_recordset(before) AS b (fulfillment_order_id text, status text) USING (fulfillment_order_id)
        JOIN fulfillment_statuses t ON t.status = c.status
        LEFT JOIN fulfillment_statuses was ON was.status = b.status
        ORDER BY c.facility_id, c.fulfillment_order_id
    LOOP
        IF found.is_queued AND cardinality(found.ship_days) > 0 THEN
            PERFORM take_token(found.fulfillment_order_id, for_order, found.facility_id, found.ship_days);
        ELSIF found.left_queue THEN
            WITH given AS (
                DELETE FROM capacity_tokens t WHERE t.fulfillment_order_id = found.fulfillment_order_id RETURNING t.*
            ), freed AS (
                UPDATE capacity_days d SET taken = d.taken - 1 FROM given JOIN facilities f ON f.facility_id = given.facility_id
                WHERE d.facility_id = given.facility_id AND d.local_day = given.local_day
                RETURNING d.facility_id, d.taken + 1 >= f.daily_order_capacity AS was_full
            )
            -- It is another matter there, to those who have waited for it.
            INSERT INTO serve_queue (facility_id, changes) SELECT freed.facility_id, true FROM freed WHERE freed.was_full;
        END IF;
    END LOOP;
END $$;
