-- What the snapshot says of positions that it can count: on hand as of its time. A count without the picked units is short of them.
CREATE OR REPLACE FUNCTION counted_units(run feeds, counts feed_counts[]) RETURNS SETOF feed_counts LANGUAGE sql STABLE AS $$
    SELECT c.feed_id, c.facility_id, c.sku, c.n, c.on_hand + CASE WHEN run.picked_units = 'not_counted' THEN coalesce((
            SELECT sum(p.units) FROM picks p
            WHERE p.facility_id = c.facility_id AND p.sku = c.sku AND p.occurred_at <= run.as_of), 0)::bigint ELSE 0 END,
        c.safety_stock, c.oversell_limit, c.unavailable
    FROM unnest(counts) AS c WHERE c.on_hand IS NOT NULL;
$$;

-- What a full snapshot leaves out, at the facilities it names, is not there; unless rows of it could not be read.
CREATE OR REPLACE FUNCTION keep_absent(run feeds) RETURNS void LANGUAGE sql AS $$
    INSERT INTO feed_counts (feed_id, facility_id, sku, on_hand)
    SELECT run.feed_id, s.facility_id, s.sku, 0 FROM stock s
    WHERE run.mode = 'full' AND run.unreadable = 0
        AND s.facility_id IN (SELECT c.facility_id FROM feed_counts c WHERE c.feed_id = run.feed_id)
    ON CONFLICT DO NOTHING;
$$;

-- What the snapshot would do to positions that were counted before: a first count is news, not a change.
CREATE OR REPLACE FUNCTION snapshot_changes(run feeds) RETURNS TABLE (facility_id text, sku text, before bigint, after bigint) LANGUAGE sql STABLE AS $$
    SELECT s.facility_id, s.sku, s.on_hand, c.on_hand + coalesce((
        SELECT sum(m.on_hand) FROM stock_movements m WHERE m.facility_id = s.facility_id AND m.sku = s.sku AND m.on_hand <> 0
            AND m.occurred_at > run.as_of), 0)::bigint
    FROM counted_units(run, ARRAY (
        SELECT c FROM feed_counts c JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku
        WHERE c.feed_id = run.feed_id AND s.counted_as_of <= run.as_of)) AS c
    JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku;
$$;

-- The change in figures; NULL: it is within the limit, or there is too little to compare with. The share is rounded up.
CREATE OR REPLACE FUNCTION too_much_change(run feeds, limit_percent bigint, from_positions bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    change jsonb;
BEGIN
    WITH changes AS MATERIALIZED (
        SELECT c.facility_id, c.sku, c.before, c.after FROM snapshot_changes(run) AS c
    ), figures AS (
        SELECT count(*) AS positions, sum(greatest(c.before, 0)) AS units_before, sum(greatest(c.after, 0)) AS units_after,
            sum(abs(c.after - c.before)) AS units_changed
        FROM changes c
    )
    SELECT to_jsonb(f) || jsonb_build_object('changed_percent', ceil(f.units_changed * 100 / f.units_before), 'limit_percent', limit_percent,
        'largest', (SELECT jsonb_agg(l) FROM (
            SELECT * FROM changes c ORDER BY abs(c.after - c.before) DESC, c.facility_id, c.sku LIMIT 5) AS l))
    INTO change FROM figures f
    WHERE f.positions >= from_positions AND f.units_before > 0 AND f.units_changed * 100 > f.units_before * limit_percent;
    RETURN change;
END $$;

-- Tells a file from another one, whatever its batches were; the time of the count belongs to it where its sender has said it.
CREATE OR REPLACE FUNCTION snapshot_digest(run feeds) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/', run.mode, run.picked_units, CASE WHEN run.as_of_said THEN run.as_of END, run.rejected, count(*),
        sum(hashtextextended(ROW (c.facility_id, c.sku, c.n, c.on_hand, c.safety_stock, c.oversell_limit, c.unavailable)::text, 0)))
    FROM feed_counts c WHERE c.feed_id = run.feed_id AND (c.n IS NOT NULL OR c.on_hand IS NULL);
$$;

-- The rows are all there: parks the snapshot, or lets it be applied. One that is parked already is answered with that, and leaves no
-- trace of its own. Answers the run that stands for it.
CREATE OR REPLACE FUNCTION end_snapshot(feed uuid, limit_percent bigint, from_positions bigint, decide_within interval) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    change jsonb;
    of_file text;
    known uuid;
BEGIN
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'running' AND f.kind = 'stock' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN feed;
    END IF;
    PERFORM keep_absent(run);
    change := too_much_change(run, limit_percent, from_positions);
    IF change IS NULL THEN
        UPDATE feeds f SET status = 'applying', applying_since = now() WHERE f.feed_id = feed;
        RETURN feed;
    END IF;
    of_file := snapshot_digest(run);
    -- One after the other: of two at once, the second finds the first.
    PERFORM pg_advisory_xact_lock(20252, hashtext(of_file));
    SELECT f.feed_id INTO known FROM feeds f WHERE f.status = 'parked' AND f.digest = of_file;
    IF FOUND THEN
        DELETE FROM feeds f WHERE f.feed_id = feed;
        RETURN known;
    END IF;
    UPDATE feeds f SET status = 'parked', digest = of_file, decide_by = now() + decide_within,
        parked = change || jsonb_build_object('parked_at', now())
    WHERE f.feed_id = feed;
    RETURN feed;
END $$;

-- A person says that a parked snapshot is right. What its facilities have come to hold meanwhile is left out as well.
CREATE OR REPLACE FUNCTION approve_snapshot(feed uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
BEGIN
    UPDATE feeds f SET status = 'applying', applying_since = now(), decided_at = now() WHERE f.feed_id = feed AND f.status = 'parked'
    RETURNING f.* INTO run;
    IF FOUND THEN
        PERFORM keep_absent(run);
    END IF;
END $$;

-- Applies the next positions of a snapshot. False: none is left, or it is not to be applied.
CREATE OR REPLACE FUNCTION apply_counts(feed uuid, most bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    taken feed_counts[];
    results row_result[];
    total record;
BEGIN
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'applying' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    WITH gone AS (
        DELETE FROM feed_counts AS c WHERE c.ctid = ANY (ARRAY (
            SELECT n.ctid FROM feed_counts n WHERE n.feed_id = feed ORDER BY n.facility_id, n.sku LIMIT most))
        RETURNING c
    )
    SELECT coalesce(array_agg(gone.c), '{}') INTO taken FROM gone;
    -- Positions that no row names are told apart by numbers that no row has.
    results := ARRAY (SELECT r::row_result FROM count_stock((
        SELECT coalesce(jsonb_agg(c), '[]') FROM (
            SELECT coalesce(u.n, -row_number() OVER ()) AS n, u.facility_id, u.sku, u.on_hand, u.safety_stock, u.oversell_limit, u.unavailable
            FROM counted_units(run, taken) AS u) AS c), run.as_of, feed::text) AS r WHERE r.n > 0);
    SELECT * INTO total FROM add_up(results);
    PERFORM note_results(feed, total.accepted, total.unchanged, total.rejected, -cardinality(results));
    IF cardinality(taken) < most THEN
        UPDATE feeds f SET status = 'finished', finished_at = now() WHERE f.feed_id = feed;
        RETURN false;
    END IF;
    RETURN true;
END $$;

ALTER FUNCTION keep_absent(feeds) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION snapshot_changes(feeds) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION too_much_change(feeds, bigint, bigint) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION apply_counts(uuid, bigint) SET plan_cache_mode = force_custom_plan;
