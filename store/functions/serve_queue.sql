-- What makes many positions usable at once, or one at a later time, is written down, and served in pieces by whoever looks.

-- What plans said of these places is out of date, and what is there is anybody's who waits. Reservations that begin to wait by such a
-- plan are kept out meanwhile: see reserve().
CREATE OR REPLACE FUNCTION facilities_changed(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    next_version bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(20254, 0);
    UPDATE facilities_version v SET version = v.version + 1 RETURNING v.version INTO next_version;
    UPDATE facilities f SET version = next_version WHERE f.facility_id = ANY (ids);
    INSERT INTO serve_queue (facility_id) SELECT unnest(ids);
    PERFORM queue_look(g.facility_id, g.order_id, g.ships_with, '-infinity') FROM gatherings g WHERE g.facility_id = ANY (ids);
END $$;

-- Other allocation rules are in force: every plan is out of date.
CREATE OR REPLACE FUNCTION rules_changed(to_version text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM facilities_version v WHERE v.rules_version = to_version) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(20254, 0);
    UPDATE facilities_version v SET rules_version = to_version WHERE v.rules_version IS DISTINCT FROM to_version;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM facilities_changed(ARRAY (SELECT f.facility_id FROM facilities f ORDER BY f.facility_id));
    RETURN true;
END $$;

-- The next SKUs that there is something of at the place, and that somebody waits for. Found by those who wait, one position looked at for
-- each of their SKUs: a place has thousands that nobody waits for.
CREATE OR REPLACE FUNCTION skus_to_serve(task serve_queue, most bigint) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY (
        SELECT waited.sku FROM (
            SELECT task.only_sku AS sku WHERE task.only_sku <> ''
            UNION SELECT w.sku FROM waiting_units w WHERE task.only_sku = '' AND w.sku > task.after_sku
        ) AS waited
        WHERE (SELECT s.available FROM stock s WHERE (s.facility_id, s.sku) = (task.facility_id, waited.sku)) > 0
            OR EXISTS (SELECT FROM stock_grants g WHERE (g.facility_id, g.sku) = (task.facility_id, waited.sku) AND g.gathered)
        ORDER BY waited.sku LIMIT most);
END $$;

-- Business time, as far as whoever calls has said it: only where a demonstration runs it faster is it another than this server's.
CREATE OR REPLACE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('oms.business_time', true), '')::timestamptz, now());
$$;

-- Serves the next piece of what is due; `at` is business time. False: nothing is.
CREATE OR REPLACE FUNCTION serve_due(at timestamptz, most bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    task serve_queue;
    skus text[];
BEGIN
    -- What is given back here is served by the same clock.
    PERFORM set_config('oms.business_time', at::text, true);
    SELECT * INTO task FROM serve_queue q WHERE q.due <= at ORDER BY q.due, q.queue_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF task.for_order IS NOT NULL THEN
        DELETE FROM serve_queue q WHERE q.queue_id = task.queue_id;
        PERFORM look_at_package(task, at);
        RETURN true;
    END IF;
    IF task.changes THEN
        DELETE FROM serve_queue q WHERE q.queue_id = task.queue_id;
        PERFORM facilities_changed(ARRAY[task.facility_id]);
        RETURN true;
    END IF;
    skus := skus_to_serve(task, most);
    IF task.only_sku <> '' OR cardinality(skus) < most THEN
        DELETE FROM serve_queue q WHERE q.queue_id = task.queue_id;
    ELSE
        UPDATE serve_queue q SET after_sku = skus[cardinality(skus)] WHERE q.queue_id = task.queue_id;
    END IF;
    PERFORM demand_lock(skus, false);
    PERFORM lock_positions(array_fill(task.facility_id, ARRAY[cardinality(skus)]), skus);
    PERFORM serve_waiting(array_fill(task.facility_id, ARRAY[cardinality(skus)]), skus, at);
    RETURN true;
END $$;

-- Units of a position that those who wait are served from first: it is in the queue, and they are not served yet.
CREATE OR REPLACE FUNCTION claimed_units(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(w.quantity), 0)::bigint FROM waiting_units w WHERE w.sku = of_sku AND EXISTS (
        SELECT FROM serve_queue q WHERE q.facility_id = at_facility AND q.for_order IS NULL AND q.due <= now() AND q.after_sku < of_sku
            AND q.only_sku IN ('', of_sku));
$$;

-- Waiting lines beside stock that they could have: nobody has been told, nobody who waits longer has it, and nobody is about to serve them.
-- Should be none. Not of those who have declined, are asked just now, wait for what comes, or might begin to gather there.
CREATE OR REPLACE FUNCTION waiting_beside() RETURNS TABLE (order_id text, line_id text, facility_id text, sku text) LANGUAGE sql STABLE AS $$
    SELECT w.order_id, w.line_id, s.facility_id, s.sku
    FROM waiting_units w JOIN stock s ON s.sku = w.sku
        AND (s.available > 0 OR EXISTS (SELECT FROM stock_grants g WHERE (g.facility_id, g.sku) = (s.facility_id, s.sku) AND g.gathered))
        JOIN facilities f ON f.facility_id = s.facility_id
    WHERE w.could_have IS NOT NULL AND served_as(w, f, least(missing_at(w, s.facility_id),
            there_for(w.order_id, w.rank_at, s.facility_id, s.sku)), false, now()) IS NOT NULL
        AND NOT EXISTS (SELECT FROM stock_grants g WHERE g.order_id = w.order_id AND NOT g.gathered)
        AND NOT EXISTS (SELECT FROM serve_queue q WHERE q.for_order = w.order_id AND q.due = '-infinity')
        AND NOT passed_by(w.order_id) AND NOT gave_back(w.order_id, w.line_id, s.facility_id, now())
        AND claimed_units(s.facility_id, s.sku) = 0
        -- Business time is not this server's where a demonstration runs it faster: then the clock of the queue counts.
        AND NOT EXISTS (SELECT FROM stock_facts x JOIN serve_queue q ON q.facility_id = x.facility_id AND q.only_sku = x.sku
            AND q.due = x.offered_again_at
            WHERE x.order_id = w.order_id AND x.line_id = w.line_id AND x.facility_id = s.facility_id);
$$;

-- Finds them, notes how many there are, and has them served.
CREATE OR REPLACE FUNCTION sweep_waiting() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    lines bigint;
BEGIN
    WITH found AS MATERIALIZED (
        SELECT b.* FROM waiting_beside() AS b
    ), queued AS (
        INSERT INTO serve_queue (facility_id, only_sku) SELECT DISTINCT f.facility_id, f.sku FROM found f
    )
    SELECT count(DISTINCT (f.order_id, f.line_id)) INTO lines FROM found f;
    UPDATE waiting_sweep SET swept_at = now(), lines_beside_stock = lines;
    RETURN lines;
END $$;
